"""The background worker: inside `serve`, it looks for what is left to do, for as long as the server runs.

That is to retry what is due, and to catch up with what other processes published.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.engine import Engine
from engine.retry import retry_due
from engine.trouble import Trouble
from engine.unbroken import unbroken
from eventstore.errors import Unavailable

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
    trouble = Trouble(log, "looking for what is left to do is interrupted", "looking for what is left to do goes on")
    catching_up: asyncio.Task[None] | None = None
    while True:
        try:
            if (catching_up is None or catching_up.done()) and await unbroken(engine.is_behind()):
                catching_up = engine.catch_up_behind()
            done = await unbroken(retry_due(engine.database, engine.context, engine.clock))
            if sum(done):
                log.warning("retried parked events: %d succeeded, %d failed again", *done)
            trouble.end()
        except Unavailable as error:
            trouble.tell(str(error))
        except Exception:
            log.exception("looking for what is left to do failed; it is tried again")
        await asyncio.sleep(LOOK_EVERY_SEC)
