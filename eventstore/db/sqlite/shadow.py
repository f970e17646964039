"""SQLite's shadow: a file of its own, so that filling it does not take the write lock from appenders.

Before the swap its rows are copied to staging tables in the live file.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Table, event, text
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.db.connect import SQLITE_PAGE_CACHE_KIB, sqlite_engine
from eventstore.db.sqlite.checkpoints import Checkpointer
from eventstore.db.sqlite.root_pages import trade
from eventstore.db.sqlite.staging import PREFIX, StagingTables, drop_chunk
from eventstore.db.transactions import ConnectionRole, Transaction

FILLING_TIMEOUT_MS = 600_000

SIDE_CACHE_KIB = 8_192
"""SQLite sorts as many rows at once as its page cache holds, and faster if they fit the processor's cache."""

COUNT_INDEXES = text("SELECT count(*) FROM main.sqlite_schema WHERE type = 'index' AND sql NOT NULL")
"""The number of the shadow's indexes, besides keys."""


class SqliteShadow:
    """The shadow as a file next to the live one."""

    live = "live"
    schema = "main"
    needs_copy = True

    def __init__(self, url: URL, name: str, tables: Sequence[Table], by_learner: Collection[Table]) -> None:
        self._file = Path(url.database or "").absolute()
        self._side = self._file.with_name(f"{self._file.name}-{PREFIX}{name}")
        self._url = url.set(database=str(self._side))
        self._names = [table.name for table in tables]
        self._second = StagingTables(tables, by_learner)

    def engine(self, pool_size: int, use: ConnectionRole) -> AsyncEngine:
        engine = sqlite_engine(self._only_read() if use is ConnectionRole.COPY else self._url, pool_size=pool_size)
        mode = "ro" if use is ConnectionRole.BUILD else "rw"

        def attach(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA main.synchronous = OFF")  # after a crash the next replay starts from the beginning
            cursor.execute("ATTACH ? AS live", (f"file:{quote(str(self._file))}?mode={mode}",))
            flush = (
                "NORMAL" if use is ConnectionRole.COPY else "FULL"
            )  # the flush of the swap covers everything in the WAL before it
            cursor.execute(f"PRAGMA live.synchronous = {flush}")
            cursor.execute(f"PRAGMA main.cache_size = -{SIDE_CACHE_KIB}")
            if use is not ConnectionRole.BUILD:  # it writes to large indexes there, in random order
                cursor.execute(f"PRAGMA live.cache_size = -{SQLITE_PAGE_CACHE_KIB}")
            else:  # it waits only for its own processes, each of which may write many rows
                cursor.execute(f"PRAGMA busy_timeout = {FILLING_TIMEOUT_MS}")
            cursor.close()

        event.listen(engine.sync_engine, "connect", attach)
        return engine

    def _only_read(self) -> URL:
        """The shadow's file, opened for reading: a transaction that writes to the live file takes no lock on it."""
        return self._url.set(database=f"file:{quote(str(self._side))}", query={"mode": "ro", "uri": "true"})

    async def prepare(self, live: AsyncConnection) -> None:
        """Do nothing, except for a check: the file is created by its first connection."""

    async def make_tables(self, connection: AsyncConnection) -> None:
        await self._second.define(connection, "table", "main.", self._names)

    async def analyze(self, transaction: Transaction) -> None:
        """Do nothing: SQLite plans without statistics."""

    async def index(self, connection: AsyncConnection) -> None:
        if not (await connection.execute(COUNT_INDEXES)).scalar_one():
            await self._second.define(connection, "index", "main.", self._names)

    async def clear(self, live: AsyncConnection) -> bool:
        for file in self._file.parent.glob(f"{self._file.name}-{PREFIX}*"):
            file.unlink(missing_ok=True)
        return await drop_chunk(live)

    async def publish(self, transaction: Transaction, tables: Collection[Table]) -> None:
        async with transaction() as connection:
            steps = await self._second.steps(connection, tables)
        checkpointer = Checkpointer(
            str(self._file)
        )  # else a commit would copy all pages into the file, and others would wait
        try:
            for step in steps:
                async with transaction() as connection:
                    await step(connection)
                checkpointer.start()
        finally:
            await asyncio.to_thread(checkpointer.close)

    async def copy_learners(self, connection: AsyncConnection, user_ids: Collection[str]) -> None:
        await self._second.copy_learners(connection, user_ids)

    async def copy_rest(self, connection: AsyncConnection) -> None:
        await self._second.copy_rest(connection)

    async def swap(self, connection: AsyncConnection, views: Mapping[str, str]) -> None:  # noqa: ARG002 - they follow
        await trade(connection)
