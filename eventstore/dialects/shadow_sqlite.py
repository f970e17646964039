"""SQLite's shadow: a file of its own, so that filling it takes no write lock from those who append.

To swap, its rows are brought into second tables in the live file, which then trade their root pages with the live
ones: the definitions, their names and the views on them stay as they are, and no row is touched.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic_core import to_json
from sqlalchemy import Table, TextClause, event, text
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.dialects.connect import sqlite_engine

PREFIX = "shadow_"
CLEARED_ROWS = 10_000

SELECT_DEFINITIONS = text(
    "SELECT sql FROM sqlite_schema WHERE tbl_name = :table AND sql IS NOT NULL ORDER BY type DESC"
)
"""What makes a table, and then its indexes."""

SELECT_SECOND_TABLES = text("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB :pattern")
"""The second tables in the live file."""

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
        engine = sqlite_engine(self._url, pool_size)
        mode = "rw" if swaps else "ro"

        def attach(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA main.synchronous = OFF")  # whatever happens to it, the next replay starts anew
            cursor.execute("ATTACH ? AS live", (f"file:{quote(str(self._file))}?mode={mode}",))
            cursor.execute("PRAGMA live.synchronous = FULL")
            cursor.close()

        event.listen(engine.sync_engine, "connect", attach)
        return engine

    async def make_room(self, live: AsyncConnection) -> None:
        for table in self._columns:
            for definition in (await live.scalars(SELECT_DEFINITIONS, {"table": table})).all():
                await live.execute(text(re.sub(r"\blms_", f"{PREFIX}lms_", definition)))

    async def clear(self, live: AsyncConnection) -> bool:
        """By so many rows at a time, since SQLite would visit each page of a table that it drops."""
        for file in self._file.parent.glob(f"{self._file.name}-{PREFIX}*"):
            file.unlink(missing_ok=True)
        for table in (await live.scalars(SELECT_SECOND_TABLES, {"pattern": f"{PREFIX}*"})).all():
            some = f"SELECT rowid FROM {table} LIMIT {CLEARED_ROWS}"  # noqa: S608 - a name of ours
            if (await live.execute(text(f"DELETE FROM {table} WHERE rowid IN ({some})"))).rowcount == CLEARED_ROWS:  # noqa: S608
                return True
            await live.execute(text(f"DROP TABLE {table}"))
        return False

    async def bring(self, connection: AsyncConnection, after: str, until: str) -> None:
        await self._bring(connection, "WHERE user_id > :after AND user_id <= :until", after=after, until=until)

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

    async def settle(self, connection: AsyncConnection) -> None:
        """SQLite plans without statistics."""

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
