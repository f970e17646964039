"""The composition root: the database, the engine and the inbox, as the server and the commands open them."""

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
    """Open the database of the settings. Raise LmsError if its schema is not that of this version."""
    database = Database(settings.database_url)
    try:
        if not await is_current(database):
            raise LmsError("expected a database at the current schema, found another: run `lms-progress migrate`")
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def open_engine(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Engine]:
    """Open a running engine on that database, which writes all waiting events before it closes.

    Commands that handle no messages of other systems open the engine alone. They work with a broken mapping file, and
    do not retry parked messages: the processes that open an inbox do.
    """
    async with open_database(settings) as database, make_engine(settings, database, clock) as engine:
        yield engine


@asynccontextmanager
async def open_inbox(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Inbox]:
    """Open an inbox with a running engine and the inbox's worker.

    Raise InvalidInputError if the mapping file is wrong.
    """
    mapping_file = MappingFile(settings.mapping_file)
    mappings = mapping_file.read()
    async with open_database(settings) as database:
        engine = make_engine(settings, database, clock)
        inbox = Inbox(engine, mappings)
        engine.after_publish.append(inbox.retry_parked)
        async with engine, inbox_worker(inbox, mapping_file):
            yield inbox


def make_engine(settings: Settings, database: Database, clock: Clock) -> Engine:
    return Engine(database, settings.xp_values, clock, settings.queue_events)


def check_mapping_file(settings: Settings) -> None:
    """Raise InvalidInputError if the mapping file is wrong."""
    MappingFile(settings.mapping_file).read()
