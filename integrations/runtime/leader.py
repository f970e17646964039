"""Work that one process at a time does, by a lease, of any number that stand ready: another goes on where one dies.

Whatever goes wrong, it is begun again after a pause, which grows until it goes well.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from eventstore.errors import LmsError
from eventstore.outage_log import OutageLog
from eventstore.redaction import fault
from integrations.runtime.backoff import Backoff, wait
from integrations.runtime.lease import Lease
from integrations.runtime.limits import DEFAULT_LIMITS, Limits

STOP_SEC = 5.0
"""How long what is in hand at the end may take."""

Work = Callable[[asyncio.Event, Backoff], Coroutine[Any, Any, None]]
"""Goes on until the event is set; resets the pauses whenever it goes well."""


async def always_wanted() -> bool:
    """For work that there always is."""
    return True


async def run_as_leader(
    work: Work,
    lease: Lease,
    trouble: OutageLog,
    stopping: asyncio.Event,
    is_wanted: Callable[[], Awaitable[bool]] = always_wanted,
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Does the work until `stopping`, whenever it is wanted and no other process does it."""
    backoff = Backoff(stopping, limits)
    while not stopping.is_set():
        try:
            if await is_wanted() and await lease.acquire():
                await lease.hold(work(stopping, backoff))
            else:
                trouble.recovered()
                await wait(stopping, limits.idle_sec)
        except LmsError as error:
            trouble.report(str(error))
            await backoff.pause()
        except Exception as error:
            trouble.report(f"expected no fault, found one: {fault(error)}")
            await backoff.pause()


@asynccontextmanager
async def in_background(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Runs it while the block does, and tells it to stop then."""
    stopping = asyncio.Event()
    task = asyncio.create_task(run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait([task], timeout=STOP_SEC)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
