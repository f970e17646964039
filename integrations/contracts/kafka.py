"""The learning platform's events on Kafka: as much of them as we read or send; whatever else they carry is ignored.

Every topic has its ids in the envelope, around a `payload`. An absent `version` means 1.0.
"""

from pydantic import BaseModel, Field

from eventstore.event_type import EventType, Ident
from integrations.contracts.fields import ExternalId, Head, Instant, Score

SOURCE = "kafka"
"""What `lms_inbox` and `lms_event` call it."""

DOCUMENT_EVENTS = "document-events"
MEETING_EVENTS = "meeting-events"
TUTOR_QUERIES = "tutor-queries"
ASSESSMENT_EVENTS = "assessment-events"
ANALYTICS_EVENTS = "analytics-events"
PROGRESS_EVENTS = "progress-events"
"""The topic that we announce in."""

EXAM_GRADED = "exam.graded"


class AnyEvent(Head):
    """What every event has."""

    event_id: Ident
    timestamp: Instant


class Event(AnyEvent):
    """An event that is kept as activity: whatever its payload says, nothing is read of it."""

    user_id: ExternalId | None = None
    payload: dict[str, object] = Field(default={})


class DocumentEvent(Event):
    document_id: ExternalId | None = None
    classroom_id: ExternalId | None = None


class MeetingEvent(Event):
    meeting_id: ExternalId | None = None


class TutorQuery(Event):
    session_id: ExternalId | None = None


class AssessmentEvent(Event):
    exam_session_id: ExternalId | None = None


class Grade(BaseModel):
    exam_id: ExternalId
    score: Score


class ExamGraded(AnyEvent):
    """A learner's exam has been marked, or marked again."""

    exam_session_id: ExternalId | None = None
    user_id: ExternalId
    payload: Grade


class Progress(BaseModel):
    """Where a learner got to. Ids are ours; `exam_id` is what the mapping file calls the class there.

    `percent` says how much of the course is done, for what completes a step or a course.
    """

    class_id: str | None
    course_id: str | None
    exam_id: str | None
    percent: float | None
    occurred_at: Instant


class ProgressEvent(AnyEvent):
    """What we announce; `event_id` is the signal's."""

    user_id: str
    payload: Progress


def first(event_type: str, model: type[BaseModel]) -> EventType:
    """A type that has had one version so far."""
    return EventType(event_type, {"1.0": model}, {})


def firsts(model: type[BaseModel], *event_types: str) -> tuple[EventType, ...]:
    return tuple(first(event_type, model) for event_type in event_types)


TYPES = {
    DOCUMENT_EVENTS: firsts(
        DocumentEvent, "document.uploaded", "document.processing", "document.indexed", "document.error"
    ),
    MEETING_EVENTS: firsts(
        MeetingEvent, "meeting.started", "meeting.ended", "participant.joined", "participant.left", "recording.started"
    ),
    TUTOR_QUERIES: firsts(TutorQuery, "query.submitted", "query.answered", "query.error"),
    ASSESSMENT_EVENTS: (
        *firsts(AssessmentEvent, "exam.started", "exam.submitted", "proctor.violation"),
        first(EXAM_GRADED, ExamGraded),
    ),
    ANALYTICS_EVENTS: firsts(Event, "page.view", "feature.used", "error.occurred"),
}
"""What is read, topic by topic."""

ANNOUNCED = firsts(ProgressEvent, "video.completed", "quiz.passed", "step.completed", "course.completed")
"""What is sent."""
