"""What the course platform's events amount to: facts about learners, their enrolments, courses and videos.

Pure. Orders that are not paid and reviews prove and tell nothing that is kept elsewhere than in the inbox.
"""

from datetime import datetime

from integrations.contracts.rabbitmq import (
    SOURCE,
    CourseCreated,
    CoursePublished,
    Envelope,
    MediaProcessed,
    Names,
    OrderCompleted,
    UserCreated,
    UserUpdated,
)
from integrations.inbound.class_lookup import course_of, resolve_class
from integrations.inbound.mapping import COURSE
from integrations.inbound.message import Message
from integrations.inbound.reference_data import Enrolment, Fact, Media, Profile, ProfileField, Reference, profiles
from integrations.inbound.translator import TranslationContext, TranslationResult, Translator
from integrations.rabbitmq.decode import CONTRACT

LECTURE = "lecture"
READY = "completed"
"""The status of a video that can be watched."""


def translate(message: Message, world: TranslationContext) -> TranslationResult:
    """What an event amounts to. Raises Unresolved while a course or a lecture of it means nothing here."""
    match CONTRACT.current(message.body):
        case Envelope(timestamp=said_at, data=data):
            return TranslationResult(facts=facts(data, said_at, world))
    return TranslationResult()


def facts(data: object, said_at: datetime, world: TranslationContext) -> tuple[Fact, ...]:
    match data:
        case UserCreated():
            return learner(data.user_id, data, said_at)
        case UserUpdated():
            return learner(data.user_id, data.changes, said_at)
        case CourseCreated() | CoursePublished():
            return (course(data, said_at),)
        case OrderCompleted():
            return tuple(enrolments(data, world))
        case MediaProcessed(status=status, duration=float(seconds)) if status == READY:
            class_id = resolve_class(world, LECTURE, data.lecture_id).class_id
            return (Media(class_id, data.media_id, round(seconds), said_at),)
    return ()


def learner(user_id: str, names: Names, said_at: datetime) -> tuple[Profile, ...]:
    said = {
        ProfileField.EMAIL: names.email,
        ProfileField.FIRST_NAME: names.first_name,
        ProfileField.LAST_NAME: names.last_name,
        ProfileField.ROLE: names.role,
    }
    return profiles(user_id, said, said_at)


def course(data: CourseCreated | CoursePublished, said_at: datetime) -> Reference:
    details = data.model_dump_json(by_alias=True, exclude={"course_id", "title"}, exclude_none=True)
    return Reference(SOURCE, COURSE, data.course_id, data.title, details, said_at)


def enrolments(order: OrderCompleted, world: TranslationContext) -> list[Enrolment]:
    """One for each course. Should one of them mean nothing here yet, the order waits as a whole."""
    course_ids = sorted({course_of(world, course_id) for course_id in order.course_ids})
    return [Enrolment(order.user_id, course_id, order.completed_at) for course_id in course_ids]


TRANSLATOR = Translator(translate)
