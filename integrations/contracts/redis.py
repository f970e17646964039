"""The exam system's entries in Redis Streams: as much of them as we read; whatever else they carry is ignored.

An entry has two fields of text, `event` and `payload`, which is JSON. `version` may be a third; absent means 1.0.
"""

from typing import Generic, TypeVar

from pydantic import BaseModel, Field, Json

from eventstore.event_type import EventType, Ident
from integrations.contracts.fields import ExternalId, Head, Instant, Score, Words

SOURCE = "redis"
"""What `lms_inbox` and `lms_event` call it."""

LMS_EVENTS = "lms_events"
"""The stream of the learning platform: what there is to learn, and who learns."""

CBT_EVENTS = "cbt_events"
"""The stream of the exam system: how exams went."""

PROGRESS_EVENTS = "progress_events"
"""The stream that we announce in."""

Payload = TypeVar("Payload")


class AnyEntry(Head):
    """What every entry has."""

    event_type: Ident = Field(alias="event")


class Entry(AnyEntry, Generic[Payload]):
    """An entry, whose payload is JSON text."""

    payload: Json[Payload]


class SchoolClass(BaseModel):
    id: ExternalId
    school_id: ExternalId | None = None
    name: Words
    is_active: bool = True


class Deleted(BaseModel):
    id: ExternalId


class Subject(BaseModel):
    id: ExternalId
    name: Words


class Level(BaseModel):
    id: ExternalId
    name: Words


class Module(BaseModel):
    id: ExternalId
    subject_id: ExternalId | None = None
    level_id: ExternalId | None = None
    name: Words


class User(BaseModel):
    """A person; the role `siswa` is a student's."""

    id: ExternalId
    email: Words | None = None
    name: Words | None = None
    role: Words | None = None


class ExamAssignment(BaseModel):
    """A learner is to sit an exam on a module. Results name it, and nothing else that tells of the module."""

    id: ExternalId
    user_id: ExternalId
    module_id: ExternalId
    scheduled_time: Instant | None = None
    duration_mins: int | None = None
    question_count: int | None = None


class ExamResult(BaseModel):
    """A learner has sat the exam of an assignment."""

    assignment_id: ExternalId
    user_id: ExternalId
    lms_class_id: ExternalId
    score: Score
    correct_count: int | None = None
    total_count: int | None = None
    completed_at: Instant


class Progress(BaseModel):
    """What we announce: where a learner got to. Whoever reads it tells repeats by `signal_id`.

    Ids are ours; `lms_class_id` and `module_id` are what the mapping file calls the class there. `percent` says how
    much of the course is done, for what completes a step or a course.
    """

    signal_id: str
    user_id: str
    class_id: str | None
    course_id: str | None
    lms_class_id: str | None
    module_id: str | None
    percent: float | None
    occurred_at: Instant


def first(event: str, payload: type[BaseModel]) -> EventType:
    """A type that has had one version so far."""
    return EventType(event, {"1.0": Entry[payload]}, {})  # type: ignore[valid-type]


TYPES = {
    LMS_EVENTS: (
        first("class_upsert", SchoolClass),
        first("class_deleted", Deleted),
        first("subject_upsert", Subject),
        first("level_upsert", Level),
        first("module_upsert", Module),
        first("user_upsert", User),
        first("exam_assignment_created", ExamAssignment),
    ),
    CBT_EVENTS: (first("exam_result_completed", ExamResult),),
}
"""What is read, stream by stream."""

ANNOUNCED = tuple(
    first(event, Progress) for event in ("video_completed", "quiz_passed", "step_completed", "course_completed")
)
"""What is sent."""
