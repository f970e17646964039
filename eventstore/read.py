"""Reading the log back: all of it, a bounded number of rows at a time."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.database import Database
from eventstore.event import Event
from eventstore.tables import lms_event

_COLUMNS = [lms_event.c[name] for name in Event._fields]

STREAM_ROWS = 1_000
"""How many rows of a stream are in memory at once."""

SELECT_LOG = select(lms_event).order_by(lms_event.c.seq)
"""The whole log, in the order in which it was recorded."""


async def read_event(connection: AsyncConnection, user_id: str, event_id: str) -> Event:
    """One event of the log, which must be there."""
    key = (lms_event.c.user_id == user_id) & (lms_event.c.event_id == event_id)
    row = (await connection.execute(select(*_COLUMNS).where(key))).one()
    return Event(*row)


async def stream(database: Database, query: Select[Any]) -> AsyncGenerator[Sequence[Row[Any]], None]:
    """The rows of `query` as they stand at one moment, up to `STREAM_ROWS` at a time. Close it if you leave early."""
    async with database.read() as connection:
        result = await connection.stream(query, execution_options={"yield_per": STREAM_ROWS})
        async for rows in result.partitions():
            yield rows
