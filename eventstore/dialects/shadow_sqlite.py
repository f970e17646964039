"""SQLite's shadow: a file of its own, so that filling it takes no write lock from those who append.

To swap, its rows are brought into second tables in the live file.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Table, event, text
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.dialects.connect import SQLITE_PAGE_CACHE_KIB, sqlite_engine
from eventstore.dialects.second_tables import PREFIX, SecondTables, drop_some, trade
from eventstore.dialects.transactions import Transaction

FILLING_TIMEOUT_MS = 600_000

SIDE_CACHE_KIB = 8_192
"""SQLite sorts as much at a time as its page cache may hold, and does it faster in what the processor's own holds."""

COUNT_INDEXES = text("SELECT count(*) FROM main.sqlite_schema WHERE type = 'index' AND sql NOT NULL")
"""How many indexes the side file has, besides keys."""


class SqliteShadow:
    """The shadow as a file beside the live one."""

    live = "live"
    here = "main"
    apart = True

    def __init__(self, url: URL, name: str, tables: Sequence[Table], by_learner: Collection[Table]) -> None:
        self._file = Path(url.database or "").absolute()
        self._side = self._file.with_name(f"{self._file.name}-{PREFIX}{name}")
        self._url = url.set(database=str(self._side))
        self._second = SecondTables(tables, by_learner)

    def engine(self, pool_size: int, *, swaps: bool) -> AsyncEngine:
        engine = sqlite_engine(self._url, pool_size=pool_size)
        mode = "rw" if swaps else "ro"

        def attach(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA main.synchronous = OFF")  # whatever happens to it, the next replay starts anew
            cursor.execute("ATTACH ? AS live", (f"file:{quote(str(self._file))}?mode={mode}",))
            cursor.execute("PRAGMA live.synchronous = FULL")
            cursor.execute(f"PRAGMA main.cache_size = -{SIDE_CACHE_KIB}")
            if swaps:  # it writes rows into large indexes there, in no order
                cursor.execute(f"PRAGMA live.cache_size = -{SQLITE_PAGE_CACHE_KIB}")
            else:  # it waits for its own processes alone, each of which may write many rows
                cursor.execute(f"PRAGMA busy_timeout = {FILLING_TIMEOUT_MS}")
            cursor.close()

        event.listen(engine.sync_engine, "connect", attach)
        return engine

    async def make_room(self, live: AsyncConnection) -> None:
        """A file makes its own."""

    async def make_tables(self, connection: AsyncConnection) -> None:
        await self._second.define(connection, "table", "main.")

    async def analyze(self, transaction: Transaction) -> None:
        """SQLite plans without statistics."""

    async def index(self, connection: AsyncConnection) -> None:
        if not (await connection.execute(COUNT_INDEXES)).scalar_one():
            await self._second.define(connection, "index", "main.")

    async def clear(self, live: AsyncConnection) -> bool:
        for file in self._file.parent.glob(f"{self._file.name}-{PREFIX}*"):
            file.unlink(missing_ok=True)
        return await drop_some(live)

    async def settle(self, transaction: Transaction) -> None:
        async with transaction() as connection:
            steps = await self._second.steps(connection)
        for step in steps:
            async with transaction() as connection:
                await step(connection)

    async def bring_learners(self, connection: AsyncConnection, user_ids: Collection[str]) -> None:
        await self._second.bring_learners(connection, user_ids)

    async def bring_rest(self, connection: AsyncConnection) -> None:
        await self._second.bring_rest(connection)

    async def swap(self, connection: AsyncConnection, views: Mapping[str, str]) -> None:  # noqa: ARG002 - they follow
        await trade(connection)
