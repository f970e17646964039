"""The course platform's events on RabbitMQ: as much of them as we read or send; whatever else they carry is ignored.

One topic exchange; the routing key is the event's type. Every event is an envelope around `data`.
"""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from eventstore.event_type import EventType, Ident
from integrations.contracts.fields import ExternalId, Head, Instant, Version, Words

SOURCE = "rabbitmq"
"""What `lms_inbox` and `lms_event` call it."""

EXCHANGE = "edu.events"

PROGRESS_UPDATED = "progress.updated"
CERTIFICATE_ISSUED = "certificate.issued"

Data = TypeVar("Data")


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True)


class AnyEvent(Head, Camel):
    """What every event has. `source` is the service that sent it."""

    event_id: Ident
    version: Version
    timestamp: Instant
    source: str


class Envelope(AnyEvent, Generic[Data]):
    """An event; `data` is what its type says."""

    data: Data


class Names(Camel):
    """What is known of a person, as far as it is said."""

    email: Words | None = None
    first_name: Words | None = None
    last_name: Words | None = None
    role: Words | None = None


class UserCreated(Names):
    user_id: ExternalId


class UserUpdated(Camel):
    """`changes` has the fields that are new; others stay as they were."""

    user_id: ExternalId
    changes: Names


class CourseCreated(Camel):
    course_id: ExternalId
    title: Words
    instructor_id: ExternalId | None = None
    category: str | None = None
    price: float | None = None


class CoursePublished(Camel):
    course_id: ExternalId
    title: Words
    instructor_id: ExternalId | None = None
    published_at: Instant


class OrderCreated(Camel):
    order_id: ExternalId
    user_id: ExternalId
    course_ids: list[ExternalId]
    total_amount: float | None = None
    currency: str | None = None


class OrderCompleted(Camel):
    """Paid: the learner is to be enrolled in the courses."""

    order_id: ExternalId
    user_id: ExternalId
    course_ids: list[ExternalId]
    payment_id: ExternalId | None = None
    completed_at: Instant


class MediaProcessed(Camel):
    """The video of a lecture. `duration` is seconds; it is ready only once `status` is `completed`."""

    media_id: ExternalId
    course_id: ExternalId | None = None
    lecture_id: ExternalId
    file_url: str | None = None
    hls_url: str | None = None
    thumbnail_url: str | None = None
    duration: float | None = Field(default=None, strict=True, ge=0, le=2**31 - 1, allow_inf_nan=False)
    status: str


class ReviewCreated(Camel):
    review_id: ExternalId
    course_id: ExternalId
    user_id: ExternalId
    rating: float | None = None
    comment: str | None = None


class ProgressUpdated(Camel):
    """What we announce when a step is completed. Ids are theirs where the mapping file says so, else ours."""

    user_id: str
    course_id: str
    lecture_id: str
    progress_percentage: float
    completed_at: Instant


class CertificateIssued(Camel):
    """What we announce when a course is completed. The certificate's id is the signal's."""

    certificate_id: str
    user_id: str
    course_id: str
    issued_at: Instant


def first(event_type: str, data: type[BaseModel]) -> EventType:
    """A type that has had one version so far."""
    return EventType(event_type, {"1.0": Envelope[data]}, {})  # type: ignore[valid-type]


TYPES = (
    first("user.created", UserCreated),
    first("user.updated", UserUpdated),
    first("course.created", CourseCreated),
    first("course.published", CoursePublished),
    first("order.created", OrderCreated),
    first("order.completed", OrderCompleted),
    first("media.processed", MediaProcessed),
    first("review.created", ReviewCreated),
)
"""What is read."""

ANNOUNCED = (first(PROGRESS_UPDATED, ProgressUpdated), first(CERTIFICATE_ISSUED, CertificateIssued))
"""What is sent."""
