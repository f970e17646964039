"""The inbox: every integration message is kept as it came, and becomes a domain event in the same transaction.

What cannot be translated yet is parked, with the reason, and tried again whenever a course is published.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Executable, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.engine import Engine
from engine.ingest import Alongside, Receipt
from engine.unbroken import unbroken
from eventstore.dialects import insert
from eventstore.envelope import validate
from eventstore.errors import InvalidInput, Unresolved
from eventstore.event import Event
from eventstore.tables import lms_inbox
from signals.course_store import Courses
from views.page import after

Translate = Callable[[str, Courses], object]
"""A message's body, as JSON text, to the envelope it amounts to. Raises Unresolved while it cannot be."""

PAGE = 500


class InboxStatus(StrEnum):
    """`done` is an event in the log; `parked` waits for a course."""

    DONE = "done"
    PARKED = "parked"


class Message(NamedTuple):
    """One message from `source`; (source, message_id) tells it from all others. `body` is JSON text."""

    source: str
    message_id: str
    body: str
    received_at: datetime


class Outcome(NamedTuple):
    """What became of a message: its event's receipt, or the reason why it is parked."""

    receipt: Receipt | None
    reason: str | None = None


_i = lms_inbox.c


async def receive(engine: Engine, message: Message, translate: Translate) -> Outcome:
    """Keeps a message, and records its event or parks it. Repeats change nothing.

    Raises Unavailable when neither could be done: the sender has to send it again.
    """
    async with engine.database.read() as connection:
        status, known_reason = (await connection.execute(select_outcome(message))).one_or_none() or (None, None)
        courses = await engine.context.courses.courses(connection)
    if status == InboxStatus.DONE:
        return Outcome(Receipt(0, 1, []))
    try:
        event = to_event(message, translate, courses)
    except (Unresolved, InvalidInput) as reason:
        if str(reason) == known_reason or await park(engine, message, str(reason), courses):
            return Outcome(None, str(reason))
        return await receive(engine, message, translate)
    return Outcome(await engine.ingest.submit([event], alongside=mark_done(message, event)))


async def receive_parked(engine: Engine, translators: Mapping[str, Translate]) -> None:
    """Tries everything that is parked once more."""
    last: tuple[str, str] | None = ("", "")
    while last is not None:
        last = await unbroken(receive_page(engine, translators, last))


async def receive_page(
    engine: Engine, translators: Mapping[str, Translate], last: tuple[str, str]
) -> tuple[str, str] | None:
    """Tries the parked messages after `last`. The source and id of the last of them; None when there are no more."""
    async with engine.database.read() as connection:
        rows = (await connection.execute(select_parked(*last))).all()
    messages = [Message(*row) for row in rows]
    await asyncio.gather(*(receive(engine, message, translators[message.source]) for message in messages))
    return (messages[-1].source, messages[-1].message_id) if messages else None


def to_event(message: Message, translate: Translate, courses: Courses) -> Event:
    """The event that a message amounts to. It occurred when its sender says, and was recorded on receipt."""
    return validate(translate(message.body, courses), message.received_at, message.source)


async def park(engine: Engine, message: Message, reason: str, courses: Courses) -> bool:
    """Keeps a message as parked. False if a course was published since `courses` was read: try it again."""
    async with engine.database.write() as connection:
        if await engine.context.courses.courses(connection) is not courses:
            return False
        await connection.execute(upsert(message, InboxStatus.PARKED, reason=reason))
    return True


def mark_done(message: Message, event: Event) -> Alongside:
    """Keeps a message as done, in the transaction that records its event."""

    async def write(connection: AsyncConnection) -> None:
        await connection.execute(
            upsert(message, InboxStatus.DONE, reason=None, user_id=event.user_id, event_id=event.event_id)
        )

    return write


def select_outcome(message: Message) -> Select[Any]:
    """What became of a message, and why, if it is known."""
    return select(_i.status, _i.reason).where(_i.source == message.source, _i.message_id == message.message_id)


def select_parked(source: str, message_id: str) -> Select[Any]:
    """The next messages that wait, by source and id."""
    query = select(_i.source, _i.message_id, _i.body, _i.received_at).where(_i.status == InboxStatus.PARKED)
    query = query.where(after((_i.source, source), (_i.message_id, message_id)))
    return query.order_by(_i.source, _i.message_id).limit(PAGE)


def upsert(message: Message, status: InboxStatus, **outcome: str | None) -> Executable:
    """Keeps a message, or what became of one that waited. What is done stays done."""
    row = message._asdict() | {"status": status} | outcome
    return (
        insert(lms_inbox)
        .values(row)
        .on_conflict_do_update(
            index_elements=[_i.source, _i.message_id],
            set_={"status": status} | outcome,
            where=_i.status == InboxStatus.PARKED,
        )
    )
