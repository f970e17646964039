"""Appending to the log: what is new goes in, what is there already stays as it is."""

from collections.abc import Sequence
from operator import attrgetter

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.dialects import insert
from eventstore.event import Event
from eventstore.tables import lms_event

_columns = [lms_event.c[name] for name in Event._fields]
_events = batch("events", *_columns)

INSERT_NEW = (
    insert(lms_event)
    .from_select(list(Event._fields), select(*_events.c).where(true()).order_by(_events.c.user_id, _events.c.event_id))
    .on_conflict_do_nothing()
    .returning(lms_event.c.user_id, lms_event.c.event_id)
)
"""Keeps those events of a batch whose key is new; in one order everywhere, so that writers cannot deadlock."""


STATEMENT_EVENTS = 2_000
"""How many one statement keeps. It notes each page that it changes, to undo it alone: that is memory."""


async def append(connection: AsyncConnection, events: Sequence[Event]) -> list[Event]:
    """Keeps the new ones among `events` and returns them, as given. Their keys must differ among themselves."""
    ordered = sorted(events, key=attrgetter("user_id", "event_id"))
    new: set[tuple[str, str]] = set()
    for start in range(0, len(ordered), STATEMENT_EVENTS):
        rows = await connection.execute(INSERT_NEW, {"events": ordered[start : start + STATEMENT_EVENTS]})
        new.update((user_id, event_id) for user_id, event_id in rows)
    return [event for event in events if event.key in new]
