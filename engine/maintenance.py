"""Maintenance: a background task of the server that retries parked events and completes backfills."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.engine import Engine
from engine.parking.retry import retry_due
from eventstore.concurrency import shielded
from eventstore.errors import UnavailableError
from eventstore.outage_log import OutageLog

log = logging.getLogger(__name__)


@asynccontextmanager
async def maintenance(engine: Engine) -> AsyncIterator[None]:
    """Run the maintenance task while the block runs. Any number of processes may have one."""
    task = asyncio.create_task(_maintain(engine))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _maintain(engine: Engine) -> None:
    outage = OutageLog(log, "maintenance: the database is unreachable", "maintenance: the database is reachable again")
    pending: asyncio.Task[None] | None = None
    while True:
        try:
            if (pending is None or pending.done()) and await shielded(engine.has_pending_work()):
                pending = engine.schedule_pending_work()
            done = await shielded(retry_due(engine.database, engine.context, engine.clock))
            if sum(done):
                log.warning("retried parked events: %d succeeded, %d failed again", *done)
            outage.recovered()
        except UnavailableError as error:
            outage.report(str(error))
        except Exception:
            log.exception("maintenance failed; it is tried again")
        await asyncio.sleep(engine.context.limits.maintenance_interval_sec)
