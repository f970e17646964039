"""`lms-progress migrate`: migrates the database to the schema of this version of lms-progress."""

import asyncio

from bootstrap.settings import Settings, load
from cli.console import echo
from eventstore.db.database import Database
from eventstore.migrate import migrate


def migrate_command() -> None:
    """Migrate the database to the current schema.

    The database is the one of LMS_DATABASE_URL, by default the file lms-progress.db in the working directory, which
    is created if it does not exist. A database at the current schema stays as it is.
    """
    changed = asyncio.run(migrate_to_current(load()))
    echo("The database is at the current schema now." if changed else "The database was at the current schema already.")


async def migrate_to_current(settings: Settings) -> bool:
    """Run the missing migrations. Return whether there were any."""
    database = Database(settings.database_url)
    try:
        return await migrate(database)
    finally:
        await database.close()
