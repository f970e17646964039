"""The monitored platform's activities: what its students did, as its database tells of them.

The platform sends nothing by itself: the monitor reads these there, and hands them in as its messages.
"""

from itertools import chain
from typing import Annotated

from pydantic import BaseModel, Field

from eventstore.event_type import EventType, Ident
from integrations.contracts.fields import ExternalId, Head, Instant, Score, Words

SOURCE = "activity"
"""What `lms_inbox` and `lms_event` call it."""

Percentage = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]


class ActivityHeader(Head):
    """What an activity has to have to be a message. `event_id` tells it from all others, however often it is read."""

    event_id: Ident


class AnyActivity(ActivityHeader):
    """What every activity has. The mentor is one of the student's, if there are several."""

    student_id: ExternalId
    student_username: Words | None = None
    mentor_id: ExternalId | None = None
    mentor_username: Words | None = None
    activity_id: ExternalId
    activity_title: Words | None = None
    timestamp: Instant


class ExamMetadata(BaseModel):
    """How an exam went, as far as it did. `score` is out of `max_score`, where the platform says that."""

    score: Score | None = None
    max_score: Annotated[Score, Field(gt=0)] | None = None
    percentage: Percentage | None = None
    result: Words | None = None
    time_taken: Words | None = None
    correct_answers: int | None = None
    incorrect_answers: int | None = None
    unanswered: int | None = None
    percentile: float | None = None
    speed: float | None = None


class ExamActivity(AnyActivity):
    """Somebody sat an exam."""

    metadata: ExamMetadata = ExamMetadata()


class ContentMetadata(BaseModel):
    """What somebody looked at, and how far that went.

    `content_type` is `video` for videos, `state` is `completed` for what was watched to its end.
    """

    content_type: Words | None = None
    state: Words | None = None
    course_title: Words | None = None
    chapter_name: Words | None = None
    duration_sec: Annotated[Score, Field(gt=0)] | None = None
    correct_answers: int | None = None
    incorrect_answers: int | None = None
    completed_on: Instant | None = None


class ContentActivity(AnyActivity):
    """Somebody looked at content."""

    metadata: ContentMetadata = ContentMetadata()


VIDEO = "video"
COMPLETED = "completed"

Activity = ExamActivity | ContentActivity

EXAM_STARTED, EXAM_COMPLETED, EXAM_FAILED, EXAM_PASSED = EXAMS = (
    "exam_started",
    "exam_completed",
    "exam_failed",
    "exam_passed",
)
CONTENT_STARTED, CONTENT_COMPLETED, CONTENT_WATCHED = CONTENTS = (
    "content_started",
    "content_completed",
    "content_watched",
)

BY_TABLE = {
    "exam_attempts": tuple(EventType(name, {"1.0": ExamActivity}, {}) for name in EXAMS),
    "content_progress": tuple(EventType(name, {"1.0": ContentActivity}, {}) for name in CONTENTS),
}
"""What is noticed, by what the layout file calls the table where it is."""

TYPES = tuple(chain.from_iterable(BY_TABLE.values()))
