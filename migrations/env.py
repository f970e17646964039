"""Alembic's entry point: runs the migrations on a given connection, then re-creates the SQL views.

Views hold no data, so they are not migrated: they are what `views.VIEWS` says, after every upgrade.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, inspect

from bootstrap.schema import metadata
from eventstore.db.database import Database
from views import VIEWS


def upgrade(connection: Connection) -> None:
    drop_views(connection)
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
    for name, definition in VIEWS.items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {definition(connection.dialect)}")


def drop_views(connection: Connection) -> None:
    for name in inspect(connection).get_view_names():
        if name.startswith("v_"):
            connection.exec_driver_sql(f"DROP VIEW {name}")


async def upgrade_by_environment() -> None:
    """For `alembic upgrade head` by hand: the database is the one that LMS_DATABASE_URL names."""
    database = Database(os.environ["LMS_DATABASE_URL"])
    async with database.write_exclusive() as connection:
        await connection.run_sync(upgrade)
    await database.close()


handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is not None:
    upgrade(handed_over)
else:
    asyncio.run(upgrade_by_environment())
