"""Looking into a database as its readers do, by plain SQL, and changing what only tests may change."""

from typing import Any

from sqlalchemy import text

from eventstore.db.database import Database

Row = tuple[Any, ...]


async def rows(database: Database, sql: str, **parameters: object) -> list[Row]:
    """What a SELECT answers."""
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(text(sql), parameters)]


async def value(database: Database, sql: str, **parameters: object) -> Any:
    """The one value that a SELECT answers."""
    ((only,),) = await rows(database, sql, **parameters)
    return only


async def change(database: Database, *statements: str) -> None:
    """Runs statements that change something, in one transaction."""
    async with database.write() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


def is_sqlite(database: Database) -> bool:
    return database.engine.dialect.name == "sqlite"
