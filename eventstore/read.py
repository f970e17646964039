"""Reading the log back: all of it, a bounded number of rows at a time."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.tables import lms_event

STREAM_ROWS = 1_000
"""How many rows of a stream are in memory at once."""

SELECT_LOG = select(lms_event).order_by(lms_event.c.seq)
"""The whole log, in the order in which it was recorded."""


async def stream(connection: AsyncConnection, query: Select[Any]) -> AsyncIterator[Sequence[Row[Any]]]:
    """The rows of `query` as one statement saw them, up to `STREAM_ROWS` at a time."""
    result = await connection.stream(query, execution_options={"yield_per": STREAM_ROWS})
    async for rows in result.partitions():
        yield rows
