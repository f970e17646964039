"""A database with something in every derived table, and every way to tamper with one of their rows."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Executable, FromClause, Integer, Uuid, delete, insert, select, update

from engine.engine import Engine
from engine.limits import DEFAULT_LIMITS, Limits
from engine.verify.derived_rows import read_derived
from engine.verify.expected_rows import DerivedTable, Key
from engine.verify.table_diff import Difference
from engine.verify.verify import Sample, verify
from eventstore.db import UtcTime
from eventstore.db.database import Database
from eventstore.tables import metadata
from tests.engine.broken_rule import POISON
from tests.engine.support import HandClock, at, ping, quiz, running, step
from tests.support.derived import HISTOGRAM

NOW = at(5)

GHOST = "ghost"
"""A learner without events, who comes between those who have some."""


@asynccontextmanager
async def furnished(url: str, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[Engine]:
    """Ada did a course of two steps, which took her to another month; bob half of it; each has a parked event."""
    async with running(url, HandClock(NOW), limits) as engine:
        await engine.publish("x", "X", (step("a"), step("b", "both")))
        await engine.ingest.submit([ping(at(1), course_id="w"), ping(at(2), class_id="b"), quiz(at(3), class_id="b")])
        await engine.ingest.submit([ping(at(2), POISON, 70, class_id="c"), ping(at(4), POISON, 70, user_id="zoe")])
        await engine.ingest.submit([ping(at(1), user_id="zoe"), ping(at(0), 50, user_id="bob")])
        yield engine


async def found_in(engine: Engine, sample: Sample | None = None) -> list[Difference]:
    """All that verify finds."""
    chunks = verify(engine.database, engine.context, engine.clock, lambda *_: None, sample)
    return [difference async for chunk in chunks for difference in chunk]


async def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table; of the histogram, which keeps rows of 0, what it says over all shards."""
    tables: dict[str, FromClause] = {**metadata.tables, HISTOGRAM.name: HISTOGRAM}
    async with database.read() as connection:
        return {
            name: sorted((tuple(row) for row in await connection.execute(select(table))), key=repr)
            for name, table in tables.items()
        }


class Tampering(NamedTuple):
    """Something that nobody but lms-progress may do with a row: with a field of it, or with all of it."""

    shape: DerivedTable
    field: str
    value: object = None

    @property
    def name(self) -> str:
        return f"{self.shape.table.name}.{self.field} {self.value}"


GONE, COME, ONE_MORE = "gone", "come, of a learner without events", "come"


def tamperings(shape: DerivedTable) -> Iterator[Tampering]:
    """Every field of a table set to something else, and to nothing where it may be; rows that go and that come."""
    for name in shape.values:
        yield Tampering(shape, name, another(shape.table.c[name]))
        if shape.table.c[name].nullable:
            yield Tampering(shape, name, None)
    yield Tampering(shape, "row", GONE)
    yield Tampering(shape, "row", COME)
    if len(shape.key) > 1:
        yield Tampering(shape, "row", ONE_MORE)


def another(column: Column[Any]) -> object:
    """A value that no row has."""
    if isinstance(column.type, Uuid):
        return "00000000-0000-4000-8000-000000000000"
    return at(20) if isinstance(column.type, UtcTime) else 77 if isinstance(column.type, Integer) else "tampered"


async def tamper(database: Database, tampering: Tampering) -> Key:
    """Does it to one row. Its key."""
    shape, field, value = tampering
    async with database.read() as connection:
        rows = (await read_derived(connection, ["ada"]))[shape]
    if field != "row":
        key = min(key for key in rows if value is not None or rows[key][shape.values.index(field)] is not None)
        statement: Executable = update(shape.table).where(*named(shape, key)).values({field: value})
    elif value == GONE:
        key = min(rows)
        statement = delete(shape.table).where(*named(shape, key))
    else:
        row = {column.name: another(column) for column in shape.table.c} | {
            "user_id": GHOST if value == COME else "ada"
        }
        key = tuple(str(row[name]) for name in shape.key)
        statement = insert(shape.table).values(row)
    async with database.write() as connection:
        await connection.execute(statement)
    return key


def named(shape: DerivedTable, key: Key) -> list[ColumnElement[bool]]:
    """The condition that a row has that key."""
    return [shape.table.c[name] == part for name, part in zip(shape.key, key, strict=True)]
