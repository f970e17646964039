"""Inserting in bulk: many rows that are all new, handed over in the way that costs each database the least."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.dialects.columns import UtcTime
from eventstore.times import to_text


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows, tuples of all columns in their order, none of which is there; in a transaction under way."""
    if not rows:
        return
    names = [column.name for column in table.c]
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        await connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", _as_text(table, rows))  # noqa: S608
    else:
        driver = (await connection.get_raw_connection()).driver_connection
        await driver.copy_records_to_table(table.name, records=rows, columns=names)  # type: ignore[union-attr]


def _as_text(table: Table, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows with their times as SQLite keeps them: a column at a time, which takes a fraction of the time."""
    times = [at for at, column in enumerate(table.c) if isinstance(column.type, UtcTime)]
    if not times:
        return list(rows)
    columns = list(zip(*rows, strict=True))
    for at in times:
        columns[at] = tuple(map(to_text, columns[at]))
    return list(zip(*columns, strict=True))
