"""The background worker: inside `serve`, it looks for what is left to do, for as long as the server runs.

That is to retry what is due, and to catch up with what other processes published.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.engine import Engine
from engine.parking.retry import retry_due
from eventstore.concurrency import shielded
from eventstore.errors import UnavailableError
from eventstore.outage_log import OutageLog

LOOK_EVERY_SEC = 5.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def background_worker(engine: Engine) -> AsyncIterator[None]:
    """Runs the worker while the block does. Any number of processes may have one."""
    task = asyncio.create_task(_work(engine))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _work(engine: Engine) -> None:
    trouble = OutageLog(log, "looking for what is left to do is interrupted", "looking for what is left to do goes on")
    catching_up: asyncio.Task[None] | None = None
    while True:
        try:
            if (catching_up is None or catching_up.done()) and await shielded(engine.has_pending_work()):
                catching_up = engine.schedule_pending_work()
            done = await shielded(retry_due(engine.database, engine.context, engine.clock))
            if sum(done):
                log.warning("retried parked events: %d succeeded, %d failed again", *done)
            trouble.recovered()
        except UnavailableError as error:
            trouble.report(str(error))
        except Exception:
            log.exception("looking for what is left to do failed; it is tried again")
        await asyncio.sleep(LOOK_EVERY_SEC)
