"""The engine of a command that writes: the database may be empty, and may be busy."""

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
"""The attempts of a submission, with a second or more between them: at least half a minute."""


@asynccontextmanager
async def ready_engine(settings: Settings) -> AsyncIterator[Engine]:
    """Open a running engine. The database is migrated to the current schema before."""
    if await migrate_to_current(settings):
        echo_err("The database was migrated to the current schema.")
    async with open_engine(settings) as engine:
        yield engine


async def submit_with_retry(engine: Engine, events: Sequence[Event]) -> Receipt:
    """Submit events, and retry while the database is busy. Raise UnavailableError if that does not end."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await engine.ingest.submit(events)
        except UnavailableError as error:
            await asyncio.sleep(error.retry_after)
    return await engine.ingest.submit(events)
