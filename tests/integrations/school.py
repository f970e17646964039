"""A system made up for tests of the inbox: it tells who learns, what its lessons are, and who passed one.

A lesson stands for a room, and the mapping file or a class of the same id says what class that is.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from pydantic_settings import BaseSettings

from engine.engine import Engine
from eventstore.errors import UnresolvedReferenceError
from integrations.inbound.inbox import Inbox
from integrations.inbound.mapping import ClassMapping, Mappings, SystemMapping
from integrations.inbound.message import Message
from integrations.inbound.reference_data import Profile, ProfileField, Reference
from integrations.inbound.source import Delivery
from integrations.inbound.translator import ReferenceKey, TranslationContext, TranslationResult, Translator
from integrations.system import System, by_name
from tests.conftest import opened
from tests.engine.support import HandClock

SCHOOL = "school"
EVENTS = UUID("3d5a7f52-9a63-4f6a-8a54-7d7b4c1f2e10")
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def learner(number: int, name: str = "Ada Lovelace", user_id: str = "ada") -> Message:
    """A learner's name is told."""
    return message(number, "learner", user_id=user_id, name=name)


def lesson(number: int, room: str = "a", lesson_id: str = "1") -> Message:
    """The lesson is held in that room."""
    return message(number, "lesson", lesson_id=lesson_id, room=room)


def passed(number: int, user_id: str = "ada", lesson_id: str | None = None, room: str = "a") -> Message:
    """A learner passed the quiz of a lesson, or of what is taught in a room."""
    return message(number, "passed", user_id=user_id, lesson_id=lesson_id, room=room)


def bell(number: int) -> Message:
    """Nothing but that it was sent."""
    return message(number, "bell")


def message(number: int, kind: str, **body: str | None) -> Message:
    """One in each minute after noon."""
    sent_at = NOON + timedelta(minutes=number)
    return Message(SCHOOL, f"message {number}", kind, "news", json.dumps(body), sent_at)


def translate(sent: Message, world: TranslationContext) -> TranslationResult:
    body = json.loads(sent.body)
    if sent.type == "learner":
        return TranslationResult(facts=(Profile(body["user_id"], ProfileField.NAME, body["name"], sent.received_at),))
    if sent.type == "lesson":
        return TranslationResult(
            facts=(Reference(SCHOOL, "lesson", body["lesson_id"], None, body["room"], sent.received_at),)
        )
    if sent.type == "passed":
        return TranslationResult(
            {
                "type": "QUIZ_SUBMIT",
                "event_id": str(uuid5(EVENTS, sent.message_id)),
                "user_id": body["user_id"],
                "class_id": class_of(room_of(body, world), world),
                "occurred_at": sent.received_at.isoformat(),
                "payload": {"quiz_id": "quiz", "score": 10, "max_score": 10, "passed": True},
            }
        )
    return TranslationResult()


def room_of(body: dict[str, str | None], world: TranslationContext) -> str:
    if body["lesson_id"] is None:
        return str(body["room"])
    known = world.references.get(("lesson", body["lesson_id"]))
    if known is None:
        raise UnresolvedReferenceError(f"lesson {body['lesson_id']}: expected it to be told, found it was not")
    return known.details


def class_of(room: str, world: TranslationContext) -> str:
    place = world.mapping.class_of("room", room)
    if place is not None:
        return place.class_id
    if world.courses.with_class(room):
        return room
    raise UnresolvedReferenceError(f"room {room}: expected a mapping or a published class, found neither")


def names(sent: Message) -> Iterable[ReferenceKey]:
    lesson_id = json.loads(sent.body).get("lesson_id")
    return [("lesson", lesson_id)] if sent.type == "passed" and lesson_id is not None else []


def read(delivery: Delivery, received_at: datetime) -> Message:
    raise NotImplementedError


TRANSLATOR = Translator(translate, names)
SYSTEMS = by_name(System(SCHOOL, BaseSettings, decode=read, translator=TRANSLATOR))


def mappings(room: str, class_id: str) -> Mappings:
    """A mapping file that says of which class a room is."""
    return Mappings({SCHOOL: SystemMapping(SCHOOL, {"room": {room: ClassMapping(class_id)}})})


@asynccontextmanager
async def inbox_on(url: str, known: Mappings | None = None) -> AsyncIterator[Inbox]:
    """The inbox of a running engine, at one in the afternoon. What was parked before has been tried again."""
    async with opened(url) as database:
        engine = Engine(database, clock=HandClock(NOON + timedelta(hours=1)))
        inbox = Inbox(engine, known or Mappings(), SYSTEMS)
        engine.after_publish.append(inbox.retry_parked)
        async with engine:
            await asyncio.wait([engine.schedule_pending_work()])
            yield inbox
