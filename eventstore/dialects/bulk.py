"""Inserting in bulk: many rows that are all new, handed over in the way that costs each database the least."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.dialects.columns import UtcTime, times_are_text
from eventstore.times import to_texts

Rows = Sequence[tuple[Any, ...]]


def as_kept(dialect: Dialect, table: Table, rows: Rows) -> Rows:
    """Rows, tuples of all columns in their order, as the driver takes them. Worked out before anybody waits for it."""
    times = [at for at, column in enumerate(table.c) if isinstance(column.type, UtcTime)]
    if not rows or not times or not times_are_text(dialect):
        return rows
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for at in times:
        columns[at] = to_texts(columns[at])
    return list(zip(*columns, strict=True))


async def insert_rows(connection: AsyncConnection, table: Table, rows: Rows) -> None:
    """Adds rows that are `as_kept`, none of which is there; in a transaction under way."""
    if not rows:
        return
    names = [column.name for column in table.c]
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        await connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", list(rows))  # noqa: S608
    else:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.copy_records_to_table(table.name, records=rows, columns=names)  # type: ignore[union-attr]
