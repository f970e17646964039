"""What is announced for mentors: activities that they are told of, and summaries, without the mentors' addresses."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Discriminator, Tag

from eventstore.event_type import Ident
from integrations.contracts.activity import (
    CONTENT_COMPLETED,
    EXAM_FAILED,
    EXAM_PASSED,
    EXAMS,
    ContentActivity,
    ExamActivity,
)
from integrations.contracts.fields import Instant, Words

TOLD_OF = (EXAM_PASSED, EXAM_FAILED, CONTENT_COMPLETED)
"""The types of activities that mentors are told of."""

ACTIVITY_SUMMARY = "activity_summary"
NOTIFIED = (*TOLD_OF, ACTIVITY_SUMMARY)
"""The types of what is announced for mentors."""


def kind_of(activity: object) -> str:
    """Which of the two it is, of JSON or of what was read already."""
    if isinstance(activity, dict):
        return "exam" if activity.get("event_type") in EXAMS else "content"
    return "exam" if isinstance(activity, ExamActivity) else "content"


AnyOfActivity = Annotated[
    Annotated[ExamActivity, Tag("exam")] | Annotated[ContentActivity, Tag("content")], Discriminator(kind_of)
]
"""Read by its type: one of little metadata looks like the other."""


class Mentor(BaseModel):
    """Whom it is for, by the platform's id and names."""

    user_id: Ident
    username: str
    name: str


class AnnouncedNotification(BaseModel):
    """An activity; `user_id` is the student's, and `message_id` the one by which the inbox has it."""

    recipient: Mentor
    user_id: Ident
    message_id: str
    activity: AnyOfActivity

    @property
    def timestamp(self) -> datetime:
        return self.activity.timestamp


class SummaryItem(BaseModel):
    """One activity of a student, in short. What is not known is null."""

    type: str
    user_id: Ident
    student: Words | None
    title: Words
    percentage: float | None


class AnnouncedSummary(BaseModel):
    """What a mentor's students did from `since` until `until`: how much of each type, and the first of it in full."""

    recipient: Mentor
    period: str
    since: Instant
    until: Instant
    counts: dict[str, int]
    items: list[SummaryItem]

    @property
    def timestamp(self) -> datetime:
        return self.until
