"""Putting it together: settings, database, engine and inbox, once for the server and once for each command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bootstrap.settings import Settings
from engine.engine import Engine
from eventstore.db.database import Database
from eventstore.errors import LmsError
from eventstore.migrate import is_current
from eventstore.times import Clock, system_clock
from integrations.inbound.inbox import Inbox
from integrations.inbound.inbox_worker import inbox_worker
from integrations.inbound.mapping_file import MappingFile


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database that the settings name. Raises LmsError if it is not at this version's schema."""
    database = Database(settings.database_url)
    try:
        if not await is_current(database):
            raise LmsError("expected a database at the current schema, found another: run `lms-progress migrate`")
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_inbox(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Inbox]:
    """The inbox of a running engine on that database; what waits is written before it closes.

    Raises InvalidInput for a mapping file that is wrong.
    """
    mapping_file = MappingFile(settings.mapping_file)
    mappings = mapping_file.read()
    async with open_database(settings) as database:
        engine = Engine(database, settings.xp_values, clock, settings.queue_events)
        inbox = Inbox(engine, mappings)
        engine.after_publish.append(inbox.retry_parked)
        async with engine, inbox_worker(inbox, mapping_file):
            yield inbox


@asynccontextmanager
async def open_engine(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Engine]:
    """That engine alone."""
    async with open_inbox(settings, clock) as inbox:
        yield inbox.engine
