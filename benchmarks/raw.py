"""The log written past the product, as fast as the drivers do it: to measure against, and to fill large ones soon."""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

import asyncpg

from benchmarks.data import Shape, draw
from benchmarks.databases import Store, in_batches
from eventstore.event import Event
from eventstore.times import to_text

COLUMNS = ", ".join(Event._fields)
POSTGRES_TYPES = ("uuid", "text", "text", "text", "text", "text", "json", "timestamptz", "timestamptz", "text", "text")
BATCH_ROWS = 5_000
COPY_ROWS = 50_000

INSERT_SQLITE = f"INSERT INTO lms_event ({COLUMNS}) VALUES ({', '.join('?' * len(Event._fields))})"  # noqa: S608
"""A row of the log."""

INSERT_POSTGRESQL = (
    f"INSERT INTO lms_event ({COLUMNS}) SELECT * FROM unnest("  # noqa: S608
    + ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(POSTGRES_TYPES, start=1))
    + ")"
)
"""Rows of the log, an array a column."""

INDEXES_SQLITE = """
    SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'lms_event' AND sql IS NOT NULL
"""
"""The log's indexes, less those that stand for a key."""

INDEXES_POSTGRESQL = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename = 'lms_event' AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
"""The log's indexes, less those that stand for a key."""


def insert_sqlite(store: Store, rows: Sequence[Sequence[Any]]) -> float:
    """Inserts `rows` by executemany, so many a transaction. The seconds that it took."""
    started = time.perf_counter()
    with closing(store.connect()) as connection:
        for some in in_batches(rows, BATCH_ROWS):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT_SQLITE, some)
            connection.execute("COMMIT")
    return time.perf_counter() - started


async def insert_postgresql(store: Store, batches: Sequence[Sequence[Any]]) -> float:
    """Inserts batches of columns, one a transaction. The seconds that it took."""
    started = time.perf_counter()
    connection = await asyncpg.connect(store.url)
    try:
        for columns in batches:
            await connection.execute(INSERT_POSTGRESQL, *columns)
    finally:
        await connection.close()
    return time.perf_counter() - started


def sqlite_rows(shape: Shape) -> Iterable[tuple[Any, ...]]:
    """The events as SQLite keeps them."""
    for number in range(shape.events):
        event = draw(shape, number)
        yield event._replace(occurred_at=to_text(event.occurred_at), recorded_at=to_text(event.recorded_at))  # type: ignore[arg-type]


def postgresql_batches(shape: Shape) -> list[list[tuple[Any, ...]]]:
    """The events as columns, by batches."""
    rows = [draw(shape, number) for number in range(shape.events)]
    return [list(zip(*some, strict=True)) for some in in_batches(rows, BATCH_ROWS)]


def fill_sqlite(store: Store, shape: Shape) -> None:
    """All events into the log, their indexes made afterwards."""
    with closing(store.connect()) as connection:
        indexes = connection.execute(INDEXES_SQLITE).fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        connection.executemany(INSERT_SQLITE, sqlite_rows(shape))
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("COMMIT")


async def fill_postgresql(store: Store, shape: Shape) -> None:
    """All events into the log by COPY, their indexes made afterwards."""
    connection = await asyncpg.connect(store.url)
    try:
        indexes = await connection.fetch(INDEXES_POSTGRESQL)
        for name, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")
        for start in range(0, shape.events, COPY_ROWS):
            rows = [draw(shape, number) for number in range(start, min(start + COPY_ROWS, shape.events))]
            await connection.copy_records_to_table("lms_event", records=rows, columns=Event._fields)
        for _, definition in indexes:
            await connection.execute(definition)
        await connection.execute("VACUUM ANALYZE lms_event")
    finally:
        await connection.close()
