"""Alembic's environment: run the migrations on the given connection, then create the SQL views again.

Views hold no data, so they are not migrated: after every upgrade they are what `views.VIEWS` defines.
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
    """Run `alembic upgrade head` by hand, on the database of LMS_DATABASE_URL."""
    database = Database(os.environ["LMS_DATABASE_URL"])
    async with database.write_exclusive() as connection:
        await connection.run_sync(upgrade)
    await database.close()


handed_over: Connection | None = context.config.attributes.get("connection")
if handed_over is not None:
    upgrade(handed_over)
else:
    asyncio.run(upgrade_by_environment())
