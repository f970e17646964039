"""Staging tables (SQLite): copies of the shadow in the live file, which exchange root pages with the live tables.

Definitions, names and views stay as they are, and no row is touched. On the connections that fill them, `live` is the
live file, and `main` is the shadow's file.
"""

import re
import time
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import pairwise

from pydantic_core import to_json
from sqlalchemy import Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.transactions import Step

PREFIX = "shadow_"

SHORT_ROWS = 300_000
"""Up to this many rows are copied or removed at once: appenders wait for less than they would notice."""

MOMENT_SEC = 0.05
"""The longest time that others wait for a DROP, besides its last table."""

CHUNK_ROWS = 50_000
CHUNK_LEARNERS = 200

SELECT_DEFINITIONS = text(
    "SELECT sql FROM live.sqlite_schema WHERE tbl_name = :table AND type = :kind AND sql NOT NULL"
)
"""The definitions of a live table or of its indexes."""

SELECT_SECOND = text("SELECT name FROM sqlite_schema WHERE type = :kind AND name GLOB :pattern AND sql NOT NULL")
"""The staging tables in the live file, or their indexes."""

SELECT_BOUNDARIES = text("""
    SELECT user_id FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) AS place FROM main.lms_learner)
    WHERE place % :learners = 0 UNION SELECT max(user_id) FROM main.lms_learner ORDER BY 1
""")
"""The last learner of each chunk, and of all."""


class StagingTables:
    """Staging copies of `tables`. Tables in `by_learner` are copied in chunks of learners, the others whole, last."""

    def __init__(self, tables: Sequence[Table], by_learner: Collection[Table]) -> None:
        self._columns = {table.name: ", ".join(table.c.keys()) for table in tables}
        self._brought = [table.name for table in tables if table in by_learner]

    async def steps(self, connection: AsyncConnection, tables: Collection[Table]) -> Sequence[Step]:
        """Create staging tables, and return the steps that copy all rows:

        small tables whole, large ones by chunks of learners.
        """
        names = [table.name for table in tables]
        brought = [name for name in names if name in self._brought]
        await self.define(connection, "table", f"live.{PREFIX}", names)
        if max([await _rows(connection, f"main.{table}") for table in brought]) <= SHORT_ROWS:
            indexes = await self._definitions(connection, "index", f"live.{PREFIX}", names)
            return [_executes(self._copy_all(table)) for table in brought] + [_executes(one) for one in indexes]
        await self.define(connection, "index", f"live.{PREFIX}", names)
        boundaries = (await connection.scalars(SELECT_BOUNDARIES, {"learners": CHUNK_LEARNERS})).all()
        condition = "WHERE user_id > :after AND user_id <= :until"
        return [
            partial(self._copy_rows, tables=brought, condition=condition, after=after, until=until)
            for after, until in pairwise(["", *boundaries])
        ]

    async def copy_learners(self, connection: AsyncConnection, user_ids: Collection[str]) -> None:
        """Copy the present rows of these learners."""
        users = to_json(list(user_ids)).decode()
        await self._copy_rows(
            connection, self._brought, "WHERE user_id IN (SELECT value FROM json_each(:users))", users=users
        )

    async def copy_rest(self, connection: AsyncConnection) -> None:
        """Copy the tables that are not copied by learner."""
        for table in self._columns.keys() - set(self._brought):
            await connection.execute(text(f"DELETE FROM live.{PREFIX}{table}"))  # noqa: S608 - names of ours
            await connection.execute(self._copy(table, ""))

    async def define(self, connection: AsyncConnection, kind: str, prefix: str, tables: Iterable[str]) -> None:
        """Create tables or indexes like the live ones, under names that begin with the prefix."""
        for definition in await self._definitions(connection, kind, prefix, tables):
            await connection.exec_driver_sql(definition)

    async def _definitions(
        self, connection: AsyncConnection, kind: str, prefix: str, tables: Iterable[str]
    ) -> list[str]:
        schema, names = prefix.split(".")
        made = []
        for table in tables:
            for live in (await connection.scalars(SELECT_DEFINITIONS, {"table": table, "kind": kind})).all():
                renamed = re.sub(r"\blms_", f"{names}lms_", live)
                made.append(re.sub(r"^CREATE (UNIQUE )?(\w+) ", rf"CREATE \1\2 {schema}.", renamed))
        return made

    def _copy_all(self, table: str) -> str:
        """Return an INSERT without column names: SQLite copies rows of equally defined tables without decoding them."""
        return f"INSERT INTO live.{PREFIX}{table} SELECT * FROM main.{table}"  # noqa: S608 - names of ours

    async def _copy_rows(
        self, connection: AsyncConnection, tables: Collection[str], condition: str, **bound: object
    ) -> None:
        for table in tables:
            await connection.execute(text(f"DELETE FROM live.{PREFIX}{table} {condition}"), bound)  # noqa: S608
            await connection.execute(self._copy(table, condition), bound)

    def _copy(self, table: str, condition: str) -> TextClause:
        columns = self._columns[table]
        return text(f"INSERT INTO live.{PREFIX}{table} ({columns}) SELECT {columns} FROM main.{table} {condition}")  # noqa: S608


async def drop_chunk(live: AsyncConnection) -> bool:
    """Drop staging tables for at most MOMENT_SEC:

    indexes first, large tables by chunks of rows (DROP visits every page).

    Return False if none is left.
    """
    began = time.monotonic()
    for kind in ("index", "table"):
        for name in (await live.scalars(SELECT_SECOND, {"kind": kind, "pattern": f"{PREFIX}*"})).all():
            if kind == "table" and await _rows(live, name) > SHORT_ROWS:
                some = f"SELECT rowid FROM {name} ORDER BY rowid DESC LIMIT {CHUNK_ROWS}"  # noqa: S608 - a name of ours
                await live.execute(text(f"DELETE FROM {name} WHERE rowid IN ({some})"))  # noqa: S608
                return True
            await live.execute(text(f"DROP {kind} {name}"))
            if time.monotonic() - began > MOMENT_SEC:
                return True
    return False


def _executes(statement: str) -> Step:
    """Return the step that executes the statement."""

    async def step(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql(statement)

    return step


async def _rows(connection: AsyncConnection, table: str) -> int:
    """Estimate the number of rows of the table."""
    return int(await connection.scalar(text(f"SELECT coalesce(max(rowid), 0) FROM {table}")) or 0)  # noqa: S608
