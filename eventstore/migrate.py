"""Migrating a database to the schema of this version of the code.

Alembic runs the steps in `migrations/`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from eventstore.db.database import Database

MIGRATIONS = Path(__file__).parent.parent / "migrations"


async def migrate(database: Database) -> bool:
    """Run the missing steps, all or none. Return whether there were any."""
    if await is_current(database):
        return False
    async with database.write_exclusive() as connection:
        await connection.run_sync(_upgrade)
    return True


async def is_current(database: Database) -> bool:
    """Return whether the database has the current schema."""
    async with database.read() as connection:
        return await connection.run_sync(_is_current)


def _upgrade(connection: Connection) -> None:
    if _is_current(connection):
        return  # another process was faster
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_current(connection: Connection) -> bool:
    heads = set(MigrationContext.configure(connection).get_current_heads())
    return heads == set(ScriptDirectory.from_config(_config()).get_heads())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
