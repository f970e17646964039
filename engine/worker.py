"""The retry worker: inside `serve`, it retries what is due, for as long as the server runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.engine import Engine
from engine.retry import retry_due
from engine.unbroken import unbroken
from eventstore.errors import Unavailable

LOOK_EVERY_SEC = 5.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def retry_worker(engine: Engine) -> AsyncIterator[None]:
    """Runs the worker while the block does. Any number of processes may have one."""
    task = asyncio.create_task(_work(engine))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _work(engine: Engine) -> None:
    while True:
        try:
            done = await unbroken(retry_due(engine.database, engine.context, engine.clock))
            if sum(done):
                log.warning("retried parked events: %d succeeded, %d failed again", *done)
        except Unavailable as error:
            log.warning("retrying parked events is interrupted: %s", error)
        except Exception:
            log.exception("retrying parked events failed; it is tried again")
        await asyncio.sleep(LOOK_EVERY_SEC)
