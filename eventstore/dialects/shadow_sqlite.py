"""SQLite's shadow: a file of its own, so that filling it takes no write lock from those who append.

To swap, its rows are brought into second tables in the live file, which then trade their root pages with the live
ones: the definitions, their names and the views on them stay as they are, and no row is touched.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic_core import to_json
from sqlalchemy import Table, TextClause, event, text
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.dialects.connect import sqlite_engine
from eventstore.dialects.transactions import Step, Transaction

PREFIX = "shadow_"
FILLING_TIMEOUT_MS = 600_000

FILLING_CACHE_KIB = 8_192
"""SQLite sorts as much at a time as its page cache may hold, and does it faster in what the processor's own holds."""

SHORT_ROWS = 300_000
"""So many rows are brought, or removed, as a whole: appenders wait for it for less than they would notice."""

CHUNK_ROWS = 50_000
CHUNK_LEARNERS = 200

SELECT_DEFINITIONS = text(
    "SELECT sql FROM live.sqlite_schema WHERE tbl_name = :table AND type = :kind AND sql NOT NULL"
)
"""What makes a live table, or its indexes."""

SELECT_SECOND = text("SELECT name FROM sqlite_schema WHERE type = :kind AND name GLOB :pattern AND sql NOT NULL")
"""The second tables in the live file, or their indexes."""

COUNT_INDEXES = text("SELECT count(*) FROM main.sqlite_schema WHERE type = 'index' AND sql NOT NULL")
"""How many indexes the side file has, besides keys."""

SELECT_BOUNDARIES = text("""
    SELECT user_id FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) AS place FROM main.lms_learner)
    WHERE place % :learners = 0 UNION SELECT max(user_id) FROM main.lms_learner ORDER BY 1
""")
"""The last learner of each so many, and of all."""

TRADE_ROOT_PAGES = text(f"""
    UPDATE live.sqlite_schema AS mine SET rootpage = other.rootpage
    FROM live.sqlite_schema AS other
    WHERE replace(mine.name, '{PREFIX}', '') = replace(other.name, '{PREFIX}', '')
      AND mine.name <> other.name AND mine.rootpage > 0
""")  # noqa: S608 - no input, a constant of ours
"""Each table or index gets the rows of its second one, and the other way round."""


class SqliteShadow:
    """The shadow as a file beside the live one."""

    live = "live"
    here = "main"
    apart = True

    def __init__(self, url: URL, name: str, tables: Sequence[Table], by_learner: Collection[Table]) -> None:
        self._file = Path(url.database or "").absolute()
        self._side = self._file.with_name(f"{self._file.name}-{PREFIX}{name}")
        self._url = url.set(database=str(self._side))
        self._columns = {table.name: ", ".join(table.c.keys()) for table in tables}
        self._rest = {table.name for table in tables if table not in by_learner}

    def engine(self, pool_size: int, *, swaps: bool) -> AsyncEngine:
        engine = sqlite_engine(self._url, pool_size=pool_size)
        mode = "rw" if swaps else "ro"

        def attach(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA main.synchronous = OFF")  # whatever happens to it, the next replay starts anew
            cursor.execute("ATTACH ? AS live", (f"file:{quote(str(self._file))}?mode={mode}",))
            cursor.execute("PRAGMA live.synchronous = FULL")
            if not swaps:  # it waits for its own processes alone, each of which may write many rows
                cursor.execute(f"PRAGMA busy_timeout = {FILLING_TIMEOUT_MS}")
                cursor.execute(f"PRAGMA main.cache_size = -{FILLING_CACHE_KIB}")
            cursor.close()

        event.listen(engine.sync_engine, "connect", attach)
        return engine

    async def make_room(self, live: AsyncConnection) -> None:
        """A file makes its own."""

    async def make_tables(self, connection: AsyncConnection) -> None:
        await self._define(connection, "table", "main.")

    async def analyze(self, transaction: Transaction) -> None:
        """SQLite plans without statistics."""

    async def index(self, connection: AsyncConnection) -> None:
        if not (await connection.execute(COUNT_INDEXES)).scalar_one():
            await self._define(connection, "index", "main.")

    async def clear(self, live: AsyncConnection) -> bool:
        """An index or a table at a time, and a large table by its rows: SQLite visits each page of what it drops."""
        for file in self._file.parent.glob(f"{self._file.name}-{PREFIX}*"):
            file.unlink(missing_ok=True)
        for kind in ("index", "table"):
            for name in (await live.scalars(SELECT_SECOND, {"kind": kind, "pattern": f"{PREFIX}*"})).all():
                if kind == "table" and await _rows(live, name) > SHORT_ROWS:
                    some = f"SELECT rowid FROM {name} ORDER BY rowid DESC LIMIT {CHUNK_ROWS}"  # noqa: S608 - a name of ours
                    await live.execute(text(f"DELETE FROM {name} WHERE rowid IN ({some})"))  # noqa: S608
                else:
                    await live.execute(text(f"DROP {kind} {name}"))
                return True
        return False

    async def settle(self, transaction: Transaction) -> None:
        async with transaction() as connection:
            steps = await self._steps(connection)
        for step in steps:
            async with transaction() as connection:
                await step(connection)

    async def _steps(self, connection: AsyncConnection) -> Sequence[Step]:
        """Few rows go as wholes, and are indexed there; many by chunks of learners, into what is indexed already."""
        await self._define(connection, "table", f"live.{PREFIX}")
        brought = self._columns.keys() - self._rest
        if max([await _rows(connection, f"main.{table}") for table in brought]) <= SHORT_ROWS:
            indexes = await self._definitions(connection, "index", f"live.{PREFIX}")
            return [_executes(self._copy_all(table)) for table in brought] + [_executes(index) for index in indexes]
        await self._define(connection, "index", f"live.{PREFIX}")
        boundaries = (await connection.scalars(SELECT_BOUNDARIES, {"learners": CHUNK_LEARNERS})).all()
        return [
            partial(self._bring, those="WHERE user_id > :after AND user_id <= :until", after=after, until=until)
            for after, until in pairwise(["", *boundaries])
        ]

    async def _define(self, connection: AsyncConnection, kind: str, prefix: str) -> None:
        for definition in await self._definitions(connection, kind, prefix):
            await connection.exec_driver_sql(definition)

    async def _definitions(self, connection: AsyncConnection, kind: str, prefix: str) -> list[str]:
        """What makes such tables, or their indexes, as the live ones are, under names that begin with the prefix."""
        schema, names = prefix.split(".")
        made = []
        for table in self._columns:
            for live in (await connection.scalars(SELECT_DEFINITIONS, {"table": table, "kind": kind})).all():
                renamed = re.sub(r"\blms_", f"{names}lms_", live)
                made.append(re.sub(r"^CREATE (UNIQUE )?(\w+) ", rf"CREATE \1\2 {schema}.", renamed))
        return made

    def _copy_all(self, table: str) -> str:
        """Without naming columns, since then SQLite copies whole rows unread between tables that are defined alike."""
        return f"INSERT INTO live.{PREFIX}{table} SELECT * FROM main.{table}"  # noqa: S608 - names of ours

    async def bring_learners(self, connection: AsyncConnection, user_ids: Collection[str]) -> None:
        users = to_json(list(user_ids)).decode()
        await self._bring(connection, "WHERE user_id IN (SELECT value FROM json_each(:users))", users=users)

    async def bring_rest(self, connection: AsyncConnection) -> None:
        for table in self._rest:
            await connection.execute(text(f"DELETE FROM live.{PREFIX}{table}"))  # noqa: S608 - names of ours
            await connection.execute(self._copy(table, ""))

    async def _bring(self, connection: AsyncConnection, those: str, **bound: object) -> None:
        for table in self._columns.keys() - self._rest:
            await connection.execute(text(f"DELETE FROM live.{PREFIX}{table} {those}"), bound)  # noqa: S608
            await connection.execute(self._copy(table, those), bound)

    def _copy(self, table: str, those: str) -> TextClause:
        columns = self._columns[table]
        return text(f"INSERT INTO live.{PREFIX}{table} ({columns}) SELECT {columns} FROM main.{table} {those}")  # noqa: S608

    async def swap(self, connection: AsyncConnection, views: Mapping[str, str]) -> None:  # noqa: ARG002 - they follow
        """As https://www.sqlite.org/lang_altertable.html#otheralter goes about what stays the same on disk."""
        version = (await connection.execute(text("PRAGMA live.schema_version"))).scalar_one()
        for statement in (
            text("PRAGMA writable_schema = ON"),
            TRADE_ROOT_PAGES,
            text(f"PRAGMA live.schema_version = {version + 1}"),
            text("PRAGMA writable_schema = RESET"),
        ):
            await connection.execute(statement)


def _executes(statement: str) -> Step:
    """The step that executes the statement."""

    async def step(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql(statement)

    return step


async def _rows(connection: AsyncConnection, table: str) -> int:
    """About how many rows the table has."""
    return int(await connection.scalar(text(f"SELECT coalesce(max(rowid), 0) FROM {table}")) or 0)  # noqa: S608
