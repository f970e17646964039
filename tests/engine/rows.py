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


async def refuse_class(database: Database, table: str, class_id: str) -> None:
    """Makes the database refuse rows of that class in that table, for what they are."""
    if is_sqlite(database):
        await change(
            database,
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} WHEN NEW.class_id = '{class_id}' "
            "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END",
        )
    else:
        await change(database, f"ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (class_id <> '{class_id}')")


async def refuse_no_more(database: Database, table: str) -> None:
    """Ends what `refuse_class` began."""
    await change(
        database, "DROP TRIGGER refuse" if is_sqlite(database) else f"ALTER TABLE {table} DROP CONSTRAINT refuse"
    )
