"""Bulk inserts: many rows, all of them new, in the fastest way of each database."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.columns import times_are_text
from eventstore.times import to_text_uncached

Rows = Sequence[tuple[Any, ...]]


def time_encoder(dialect: Dialect) -> Callable[[datetime], Any]:
    """Return a function that encodes instants for the driver, without a cache, since they rarely repeat."""
    return to_text_uncached if times_are_text(dialect) else _as_it_is


def _as_it_is(instant: datetime) -> datetime:
    return instant


async def insert_rows(connection: AsyncConnection, table: Table, rows: Rows) -> None:
    """Insert rows that have all columns in their order, with encoded times, within a transaction."""
    if not rows:
        return
    names = [column.name for column in table.c]
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        await connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", list(rows))  # noqa: S608
    else:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.copy_records_to_table(table.name, records=rows, columns=names)  # type: ignore[union-attr]
