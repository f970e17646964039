"""Activities as messages: of a student of the platform that is monitored, with all that the contract has."""

import json
from collections.abc import Mapping

from integrations.contracts.activity import CONTENTS, EXAMS
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery
from integrations.platform_monitor.decode import decode
from tests.integrations.worlds import NOW

Activity = dict[str, object]

AT = "2026-03-01T10:00:00Z"
HEAD: Activity = {
    "event_id": "exam_passed/981/2026-03-01T10:00:00.000000Z/17",
    "student_id": 123,
    "student_username": "ada",
    "mentor_id": 456,
    "mentor_username": "grace",
    "timestamp": AT,
}
EXAM: Activity = HEAD | {
    "activity_id": 15,
    "activity_title": "Algebra, the final exam",
    "metadata": {
        "score": 17,
        "max_score": 20,
        "percentage": 85,
        "result": "pass",
        "time_taken": "45 minutes",
        "correct_answers": 17,
        "incorrect_answers": 2,
        "unanswered": 1,
        "percentile": 78.5,
        "speed": 1.2,
    },
}
CONTENT: Activity = HEAD | {
    "event_id": "content_completed/77/2026-03-01T10:00:00.000000Z",
    "activity_id": 7,
    "activity_title": "Loops, the film",
    "metadata": {
        "content_type": "video",
        "state": "completed",
        "course_title": "Python 101",
        "chapter_name": "Loops",
        "duration_sec": 300,
        "correct_answers": 5,
        "incorrect_answers": 1,
        "completed_on": AT,
    },
}
ACTIVITIES: Mapping[str, Activity] = dict.fromkeys(EXAMS, EXAM) | dict.fromkeys(CONTENTS, CONTENT)


def activity(event_type: str, metadata: Mapping[str, object] | None = None, **fields: object) -> Activity:
    """An activity of that type; with other metadata and fields, of which None stands for absent ones."""
    base = ACTIVITIES.get(event_type, EXAM)
    said = {"event_type": event_type} | base | ({} if metadata is None else {"metadata": metadata}) | fields
    return {name: value for name, value in said.items() if value is not None}


def message(said: Mapping[str, object]) -> Message:
    """What the inbox keeps of it."""
    topic = "content_progress" if said["event_type"] in CONTENTS else "exam_attempts"
    return decode(Delivery(topic, str(said["event_id"]), json.dumps(said).encode(), NOW), NOW)
