"""Reading the log, a bounded number of rows at a time."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.event import Event
from eventstore.tables import lms_event

_COLUMNS = [lms_event.c[name] for name in Event._fields]

STREAM_ROWS = 1_000
"""Rows of a stream that are in memory at once."""

SELECT_LOG = select(lms_event).order_by(lms_event.c.seq)
"""The whole log, in the order of recording."""


async def read_event(connection: AsyncConnection, user_id: str, event_id: str) -> Event:
    """Return one event, which must exist."""
    key = (lms_event.c.user_id == user_id) & (lms_event.c.event_id == event_id)
    row = (await connection.execute(select(*_COLUMNS).where(key))).one()
    return Event(*row)


SELECT_RANGE = (
    select(lms_event.c.seq, *_COLUMNS)
    .where(lms_event.c.seq > bindparam("after"), lms_event.c.seq <= bindparam("until"))
    .order_by(lms_event.c.seq)
)
"""A range of the log, with the numbers."""


async def read_range(
    connection: AsyncConnection, after: int, until: int, limit: int | None = None
) -> list[tuple[int, Event]]:
    """Return the first `limit` events with `after` < seq <= `until`, each with its seq."""
    rows = await connection.execute(SELECT_RANGE.limit(limit), {"after": after, "until": until})
    return [(row[0], Event(*row[1:])) for row in rows]


LAST_SEQ = select(func.coalesce(func.max(lms_event.c.seq), 0))
"""The number of the event that was recorded last."""


_keys = json_rows("keys", lms_event.c.user_id, lms_event.c.class_id)

SELECT_CLASSES = (
    select(*_COLUMNS)
    .join(_keys, (lms_event.c.user_id == _keys.c.user_id) & (lms_event.c.class_id == _keys.c.class_id))
    .where(lms_event.c.seq <= bindparam("until"))
)
"""The events of some learners in some classes, up to a seq."""


async def read_classes(connection: AsyncConnection, keys: Collection[tuple[str, str]], until: int) -> list[Event]:
    """Return the events of these (user_id, class_id) with seq <= `until`."""
    rows = await connection.execute(SELECT_CLASSES, {"keys": keys, "until": until})
    return [Event(*row) for row in rows]


async def last_seq(connection: AsyncConnection) -> int:
    """Return the highest seq, 0 for an empty log. All events up to it are committed only while nobody appends."""
    return int((await connection.execute(LAST_SEQ)).scalar_one())


async def stream(database: Database, query: Select[Any]) -> AsyncGenerator[Sequence[Row[Any]], None]:
    """Return the rows of `query` in one snapshot, up to `STREAM_ROWS` at a time.

    Close the generator if you leave early.
    """
    async with database.read() as connection:
        result = await connection.stream(query, execution_options={"yield_per": STREAM_ROWS})
        async for rows in result.partitions():
            yield rows
