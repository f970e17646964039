"""The monitored platform's database: it is only read, a page at a time, and no query may take long there.

What goes wrong there is told by its kind. Its own words may hold what students did, and end up in a log.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from eventstore.errors import UnavailableError
from integrations.notifications.recipient import Recipient
from integrations.platform_monitor.change_detection import Row
from integrations.platform_monitor.layout import Layout
from integrations.platform_monitor.queries import SELECT_COLUMNS, SELECT_MOMENT, Feed, Reader
from integrations.platform_monitor.schema_check import check
from integrations.platform_monitor.watermark import Snapshot

CONNECT_SEC = 5
STATEMENT_MS = 30_000
ANSWER_SEC = 40
"""How long a query may take there, and how long we wait for its answer: the server may be gone without a word."""


class Queries(NamedTuple):
    """What is asked of it, once its tables are known."""

    feeds: dict[str, Feed]
    mentors: Select[Any] | None


class Platform:
    """The platform at that URL, of that layout. Every method raises Unavailable while it cannot be read.

    Raises InvalidInput while its tables are not as the layout says; both may be mended there.
    """

    def __init__(self, url: URL, layout: Layout) -> None:
        self.layout = layout
        self._queries: Queries | None = None
        self._engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=2,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "timeout": CONNECT_SEC,
                "server_settings": {
                    "application_name": "lms-progress",
                    "default_transaction_read_only": "on",
                    "statement_timeout": str(STATEMENT_MS),
                    "timezone": layout.time_zone,
                },
            },
        )

    async def snapshot(self) -> Snapshot:
        """What has ended there by now, and what may still come with an earlier time."""
        async with self._connection() as connection:
            return Snapshot(*(await connection.execute(SELECT_MOMENT)).one())

    async def since(self, feed: str, instant: datetime) -> Sequence[Row]:
        """The first rows of a table that were changed at that instant or later, in the order of their changes."""
        async with self._connection() as connection:
            query = (await self._known(connection)).feeds[feed].since
            rows: Sequence[Row] = (await connection.execute(query, {"changed_at": instant})).mappings().all()
            return rows

    async def after(self, feed: str, changed_at: datetime, row_id: str) -> Sequence[Row]:
        """The rows that follow one in that order."""
        async with self._connection() as connection:
            query = (await self._known(connection)).feeds[feed].after
            place = {"changed_at": changed_at, "row_id": row_id}
            rows: Sequence[Row] = (await connection.execute(query, place)).mappings().all()
            return rows

    async def mentors(self, students: Sequence[str]) -> list[tuple[str, Recipient]]:
        """The mentors of these students: a student's id, and one of the mentors, in the order of their ids."""
        async with self._connection() as connection:
            query = (await self._known(connection)).mentors
            if query is None:
                return []
            found = (await connection.execute(query, {"students": students})).mappings()
            return [(row["student_id"], recipient(row)) for row in found]

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with asyncio.timeout(ANSWER_SEC), self._engine.connect() as connection:
                yield connection
        except (DBAPIError, OSError, PoolTimeout) as error:
            self._queries = None  # whatever was changed there is found when it is asked again
            raise UnavailableError(
                f"expected an answer from the platform's database, found: {kind_of(error)}"
            ) from error

    async def _known(self, connection: AsyncConnection) -> Queries:
        """What to ask, for the tables as they are."""
        if self._queries is None:
            rows = await connection.execute(SELECT_COLUMNS, {"schema": self.layout.schema_})
            types = {(row.table_name, row.column_name): row.data_type for row in rows}
            check(self.layout, types)
            reader = Reader(self.layout, types)
            feeds = {"exam_attempts": reader.exam_attempts(), "content_progress": reader.content_progress()}
            self._queries = Queries(feeds, reader.mentors())
        return self._queries


def recipient(row: Row) -> Recipient:
    name = row.get("name") or row["username"]
    return Recipient(row["id"], row["username"], name, row.get("email"), row.get("zulip_user_id"))


def kind_of(error: BaseException) -> str:
    """Its kind, and PostgreSQL's code for it, where it has one."""
    cause = getattr(error, "orig", None) or error
    known = getattr(cause, "__cause__", None) or cause  # the driver's own error, behind SQLAlchemy's
    sqlstate = getattr(known, "sqlstate", None)
    return f"{type(known).__name__} ({sqlstate})" if sqlstate else type(known).__name__
