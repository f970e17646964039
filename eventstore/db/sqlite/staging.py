"""Second tables: in SQLite's live file, beside the live ones, for which they are swapped in by their root pages.

So the definitions, their names and the views on them stay as they are, and no row is touched. On the connections that
fill them, `live` is the live file, and `main` the one that the rows come from.
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
"""So many rows are brought, or removed, as a whole: appenders wait for it for less than they would notice."""

MOMENT_SEC = 0.05
"""So long others wait for what is dropped, besides the last of it."""

CHUNK_ROWS = 50_000
CHUNK_LEARNERS = 200

SELECT_DEFINITIONS = text(
    "SELECT sql FROM live.sqlite_schema WHERE tbl_name = :table AND type = :kind AND sql NOT NULL"
)
"""What makes a live table, or its indexes."""

SELECT_SECOND = text("SELECT name FROM sqlite_schema WHERE type = :kind AND name GLOB :pattern AND sql NOT NULL")
"""The second tables in the live file, or their indexes."""

SELECT_BOUNDARIES = text("""
    SELECT user_id FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) AS place FROM main.lms_learner)
    WHERE place % :learners = 0 UNION SELECT max(user_id) FROM main.lms_learner ORDER BY 1
""")
"""The last learner of each so many, and of all."""


class StagingTables:
    """Staging copies of `tables`. Tables in `by_learner` are copied in chunks of learners, the others whole, last."""

    def __init__(self, tables: Sequence[Table], by_learner: Collection[Table]) -> None:
        self._columns = {table.name: ", ".join(table.c.keys()) for table in tables}
        self._brought = [table.name for table in tables if table in by_learner]

    async def steps(self, connection: AsyncConnection, tables: Collection[Table]) -> Sequence[Step]:
        """Makes some; and how to bring all rows: few as wholes, which are indexed there, many by chunks of learners."""
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
        """Has the rows of these learners as they are now."""
        users = to_json(list(user_ids)).decode()
        await self._copy_rows(
            connection, self._brought, "WHERE user_id IN (SELECT value FROM json_each(:users))", users=users
        )

    async def copy_rest(self, connection: AsyncConnection) -> None:
        """The same of the tables that are not brought by learner."""
        for table in self._columns.keys() - set(self._brought):
            await connection.execute(text(f"DELETE FROM live.{PREFIX}{table}"))  # noqa: S608 - names of ours
            await connection.execute(self._copy(table, ""))

    async def define(self, connection: AsyncConnection, kind: str, prefix: str, tables: Iterable[str]) -> None:
        """Makes such tables, or their indexes, as the live ones are, under names that begin with the prefix."""
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
        """Without naming columns, since then SQLite copies whole rows unread between tables that are defined alike."""
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
    """Drops as many as a moment is enough for, and indexes first; but a large one by its rows: SQLite visits each page.

    False if none is left.
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
    """The step that executes the statement."""

    async def step(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql(statement)

    return step


async def _rows(connection: AsyncConnection, table: str) -> int:
    """About how many rows the table has."""
    return int(await connection.scalar(text(f"SELECT coalesce(max(rowid), 0) FROM {table}")) or 0)  # noqa: S608
