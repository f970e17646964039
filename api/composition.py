"""Putting it together: settings, database, engine and inbox, once for the server and once for each command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from api.settings import Settings
from engine.engine import Engine
from eventstore.database import Database
from eventstore.errors import LmsError
from eventstore.migrate import is_current
from eventstore.times import Clock, system_clock
from integrations.inbox import receive_parked
from integrations.translators import TRANSLATORS


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
async def open_engine(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Engine]:
    """A running engine on that database; what waits is written before it closes."""
    async with open_database(settings) as database:
        engine = Engine(database, settings.worth, clock, settings.queue_events)
        engine.after_publish.append(partial(receive_parked, engine, TRANSLATORS))
        async with engine:
            yield engine
