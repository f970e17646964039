"""Bringing a database to the schema that this version of the code is written for.

The steps themselves are Alembic's, in `migrations/`; here is only who runs them and when.
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
    """Takes the steps that are missing, all or none. Whether there were any."""
    if await is_current(database):
        return False
    async with database.write_exclusive() as connection:
        await connection.run_sync(_upgrade)
    return True


async def is_current(database: Database) -> bool:
    """Whether the database has taken every step there is."""
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
