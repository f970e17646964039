"""The engine, as commands that write need it: on a database that may be empty, and that may be busy."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bootstrap.composition import open_engine
from bootstrap.settings import Settings
from cli.console import echo_err
from cli.operate.migrate import migrate_to_current
from engine.engine import Engine
from engine.ingest.submission import Receipt
from eventstore.errors import UnavailableError
from eventstore.event import Event

ATTEMPTS = 30
"""With the second or more that Unavailable asks for between them: patience for half a minute at least."""


@asynccontextmanager
async def ready_engine(settings: Settings) -> AsyncIterator[Engine]:
    """A running engine; the database is brought to the current schema before."""
    if await migrate_to_current(settings):
        echo_err("The database was brought to the current schema.")
    async with open_engine(settings) as engine:
        yield engine


async def submit_with_retry(engine: Engine, events: Sequence[Event]) -> Receipt:
    """Submits; waits and tries again while the database is busy. Raises Unavailable when that does not end."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await engine.ingest.submit(events)
        except UnavailableError as error:
            await asyncio.sleep(error.retry_after)
    return await engine.ingest.submit(events)
