"""Appending to the log: what is new goes in, what is there already stays as it is."""

from collections.abc import Iterator, Sequence
from operator import attrgetter

from sqlalchemy import Integer, bindparam, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import has_one_writer, insert
from eventstore.db.json_rows import json_rows
from eventstore.event import Event
from eventstore.tables import lms_event

_e = lms_event.c
_events = json_rows("events", *(_e[name] for name in Event._fields))
_names = list(Event._fields)

INSERT_NEW = insert(lms_event).from_select(_names, select(*_events.c).where(true())).on_conflict_do_nothing()
"""Keeps those events of a batch whose key is new."""

INSERT_NEW_RETURNING = (
    insert(lms_event)
    .from_select(_names, select(*_events.c).where(true()).order_by(_events.c.user_id, _events.c.event_id))
    .on_conflict_do_nothing()
    .returning(_e.user_id, _e.event_id)
)
"""The same, and says which those are; in one order everywhere, so that writers cannot deadlock."""

SELECT_LATEST = select(_e.user_id, _e.event_id).where(
    _e.seq > select(func.max(_e.seq) - bindparam("number", type_=Integer)).scalar_subquery()
)
"""So many events that were kept last, where only one transaction writes at a time."""

STATEMENT_EVENTS = 2_000
"""How many one statement keeps. It notes each page that it changes, to undo it alone: that is memory."""

Key = tuple[str, str]


async def append(connection: AsyncConnection, events: Sequence[Event]) -> list[Event]:
    """Keeps the new ones among `events` and returns them, as given. Their keys must differ among themselves.

    Mostly all are new. One writer sees that by their number, which is cheaper than being told of each.
    """
    if not has_one_writer(connection.dialect):
        new = await _insert_returning(connection, events)
    else:
        number = await _insert(connection, events)
        if number == len(events):
            return list(events)
        new = {(user_id, event_id) for user_id, event_id in await connection.execute(SELECT_LATEST, {"number": number})}
    return [event for event in events if event.key in new]


async def _insert_returning(connection: AsyncConnection, events: Sequence[Event]) -> set[Key]:
    new: set[Key] = set()
    for some in _ordered(events):
        rows = await connection.execute(INSERT_NEW_RETURNING, {"events": some})
        new.update((user_id, event_id) for user_id, event_id in rows)
    return new


async def _insert(connection: AsyncConnection, events: Sequence[Event]) -> int:
    number = 0
    for some in _ordered(events):
        number += (await connection.execute(INSERT_NEW, {"events": some})).rowcount
    return number


def _ordered(events: Sequence[Event]) -> Iterator[list[Event]]:
    """The events by key, as many at once as a statement takes: keys that lie together are written together."""
    ordered = sorted(events, key=attrgetter("user_id", "event_id"))
    for start in range(0, len(ordered), STATEMENT_EVENTS):
        yield ordered[start : start + STATEMENT_EVENTS]
