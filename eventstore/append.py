"""Appending to the log: insert new events, and leave events with a known key as they are."""

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
"""Inserts the events of a batch whose key is new."""

INSERT_NEW_RETURNING = (
    insert(lms_event)
    .from_select(_names, select(*_events.c).where(true()).order_by(_events.c.user_id, _events.c.event_id))
    .on_conflict_do_nothing()
    .returning(_e.user_id, _e.event_id)
)
"""Inserts the events whose key is new and returns their keys, in the order of the key, so that writers cannot deadlock.
"""

SELECT_LATEST = select(_e.user_id, _e.event_id).where(
    _e.seq > select(func.max(_e.seq) - bindparam("number", type_=Integer)).scalar_subquery()
)
"""The newest `number` events. Only valid where one transaction writes at a time (SQLite)."""

STATEMENT_EVENTS = 2_000
"""Events per INSERT. SQLite keeps a statement journal of every changed page, so larger statements need more memory."""

Key = tuple[str, str]


async def append(connection: AsyncConnection, events: Sequence[Event]) -> list[Event]:
    """Insert the events whose key is new, and return exactly these, in input order. Keys in `events` must be distinct.

    On SQLite the row count alone tells the common case "all new"; only otherwise the inserted rows are read back.
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
    """Split the events, in the order of the key, by the size of a statement: neighbouring keys are written together."""
    ordered = sorted(events, key=attrgetter("user_id", "event_id"))
    for start in range(0, len(ordered), STATEMENT_EVENTS):
        yield ordered[start : start + STATEMENT_EVENTS]
