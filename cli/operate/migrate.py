"""`lms-progress migrate`: brings the database to the schema that this version of lms-progress works with."""

import asyncio

from bootstrap.settings import Settings, load
from cli.console import echo
from eventstore.db.database import Database
from eventstore.migrate import migrate


def migrate_command() -> None:
    """Bring the database to the current schema.

    The database is the one that LMS_DATABASE_URL names, by default the file lms-progress.db in the working
    directory, which is made if it is not there. A database that is at the current schema is left alone.
    """
    changed = asyncio.run(migrate_to_current(load()))
    echo("The database is at the current schema now." if changed else "The database was at the current schema already.")


async def migrate_to_current(settings: Settings) -> bool:
    """Takes the migrations that the database lacks. Whether there were any."""
    database = Database(settings.database_url)
    try:
        return await migrate(database)
    finally:
        await database.close()
