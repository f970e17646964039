"""How a database goes about a statement: its query plan, in the few words that say what it costs as tables grow.

Plans are of the statements that really run, with the parameters that they run with.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.database import Database

STATEMENT = re.compile("SELECT|INSERT|UPDATE|DELETE")
SMALL = ("lms_course_version", "lms_grant")
"""Tables that stay small whatever learners do: they may be read whole."""

NO_TABLE = ("VIRTUAL TABLE", "CONSTANT ROW")
SQLITE_READING = re.compile(r"(?:SCAN|SEARCH) (\w+)(?: USING (.*?)(?: \((.*)\))?)?$")
SQLITE_SORT = re.compile("USE TEMP B-TREE FOR (ORDER BY|GROUP BY|DISTINCT)")
BY_LEARNER = re.compile(r"\buser_id ?= ?")

By = Mapping[str, str]
"""For each table that may be read, a pattern for the condition by which an index must find its rows."""


class Reading(NamedTuple):
    """One reading of a table, and the condition by which an index finds its rows.

    '' where the index is followed from its beginning, None where no index helps.
    """

    table: str
    condition: str | None


class Plan(NamedTuple):
    """What a statement reads, and whether it sorts that in full: where an index gives half the order, it does not."""

    statement: str
    readings: list[Reading]
    sorts: bool

    def faults(self, by: By) -> Iterator[str]:
        """What will cost more as tables grow, or is not found as `by` says."""
        for table, condition in self.readings:
            if condition is None:
                yield f"reads all of {table}: {self.statement}"
            elif table not in by or not re.search(by[table], condition):
                yield f"finds rows of {table} by ({condition}), not by {by.get(table)}: {self.statement}"
        if self.sorts and not all(BY_LEARNER.search(condition or "") for _, condition in self.readings):
            yield f"sorts more than one learner's rows: {self.statement}"


async def plans(database: Database, work: Callable[[], Awaitable[object]]) -> list[Plan]:
    """The plans of all statements that `work` makes the database execute."""
    statements: list[tuple[str, Any]] = []

    def note(_1: object, _2: object, statement: str, parameters: Any, *_: object) -> None:
        if STATEMENT.match(statement):
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)  # any: a database may have threads with their own
    try:
        await work()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    async with database.write() as connection:
        return [await plan(connection, statement, parameters) for statement, parameters in statements]


async def plan(connection: AsyncConnection, statement: str, parameters: Any) -> Plan:
    """The plan that the database makes for the statement now."""
    if connection.dialect.name == "sqlite":
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        details = [row.detail for row in rows]
        readings = list(sqlite_readings(details))
        sorts = any(map(SQLITE_SORT.match, details))
    else:
        found = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        top = json.loads(found.scalar_one())[0]["Plan"]
        readings = list(postgres_readings(top))
        sorts = any(node["Node Type"] == "Sort" for node in nodes(top))
    return Plan(statement, [reading for reading in readings if reading.table not in SMALL], sorts)


def sqlite_readings(details: list[str]) -> Iterator[Reading]:
    for detail in details:
        reading = SQLITE_READING.match(detail)
        if reading and not any(name in detail for name in NO_TABLE):
            table, index, condition = reading.groups()
            helps = index is not None and "AUTOMATIC" not in index
            yield Reading(table, (condition or "") if helps else None)


def postgres_readings(top: Mapping[str, Any]) -> Iterator[Reading]:
    for node in nodes(top):
        kind = node["Node Type"]
        if kind in ("Index Scan", "Index Only Scan"):
            yield Reading(node["Relation Name"], node.get("Index Cond", ""))
        elif kind == "Bitmap Heap Scan":
            yield Reading(node["Relation Name"], node["Recheck Cond"])
        elif kind.endswith("Scan") and "Relation Name" in node:
            yield Reading(node["Relation Name"], None)


def nodes(top: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield top
    for below in top.get("Plans", ()):
        yield from nodes(below)


LEARNERS = 60_000


def equals(*columns: str) -> str:
    """A pattern for conditions that ask for one value of each of these columns."""
    return "".join(rf"(?=.*\b{column} ?= ?)" for column in columns)
