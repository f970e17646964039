"""Activities and mentors for tests of notifications."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from integrations.contracts.activity import Activity, ContentActivity, ExamActivity
from integrations.notifications.notification import notifications
from integrations.notifications.recipient import Recipient
from integrations.outbound.sink import OutboundMessage
from tests.engine.support import at

NOW = at(1)
SMITH = Recipient("456", "mentor_smith", "Dr. Smith", "smith@school.example.org", 11)
JONES = Recipient("457", "mentor_jones", "Ms Jones", "jones@school.example.org", None)
NOBODY = Recipient("458", "mentor_nobody", "Nobody")


def exam(event_id: str = "exam-1", event_type: str = "exam_passed", **more: Any) -> ExamActivity:
    """John has passed his final with 85 of 100, unless `more` says otherwise."""
    metadata = {"score": 85.0, "percentage": 85.0, "result": "pass", "time_taken": "45 minutes"}
    known = {"student_username": "john_doe", "activity_title": "Mathematics Final", "metadata": metadata} | more
    head = {"event_type": event_type, "event_id": event_id, "student_id": 123, "activity_id": 789, "timestamp": at(0)}
    return ExamActivity.model_validate(head | known)


def content(event_id: str = "content-1", event_type: str = "content_completed", **more: Any) -> ContentActivity:
    """Jane has watched a video to its end, unless `more` says otherwise."""
    metadata = {"content_type": "video", "course_title": "Programming 101", "chapter_name": "Loops"}
    known = {"student_username": "jane_smith", "activity_title": "For and while", "metadata": metadata} | more
    head = {"event_type": event_type, "event_id": event_id, "student_id": 124, "activity_id": 790, "timestamp": at(0)}
    return ContentActivity.model_validate(head | known)


def message_to(activity: Activity, recipient: Recipient = SMITH, now: datetime = NOW) -> OutboundMessage:
    """Return the message that notifies one mentor of an activity."""
    [one] = notifications(activity, activity.event_id, [recipient], now)
    return OutboundMessage(one.message_id, one.user_id, one.type, body_of(one.body), one.created_at)


def body_of(text: str) -> Mapping[str, object]:
    body: Mapping[str, object] = from_json(text)
    return body
