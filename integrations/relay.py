"""The relay: what the outbox has becomes deliveries, and these are sent to every sink.

Any number of processes may have one: by a lease, one at a time is at work, and another goes on where it was killed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from engine.trouble import Trouble
from engine.unbroken import unbroken
from eventstore.database import Database
from eventstore.errors import LmsError, Unavailable
from eventstore.times import Clock
from integrations.backoff import Backoff, wait
from integrations.deliveries import count_dead
from integrations.fanning_out import FanningOut
from integrations.fault import fault
from integrations.lease import Lease
from integrations.metrics import DEAD_LETTERS
from integrations.sending import Sending, Sent
from integrations.sink_tasks import SinkTasks
from integrations.sinks import Sinks

LOOK_EVERY_SEC = 0.25
IDLE_SEC = 1.0
"""How often to look whether there is anything to do for this process, while there is not."""

COUNT_EVERY = timedelta(seconds=15)
SOURCE = "relay"
"""Under which the deliveries that were given up are counted among the dead letters."""

STOP_SEC = 5.0
"""How long what is being sent at the end may take."""

log = logging.getLogger(__name__)


class Relay:
    """The relay of one process, to these sinks."""

    def __init__(self, database: Database, sinks: Sinks, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._fanning_out = FanningOut(database, sinks, clock)
        self._lease = Lease(database, "relay", clock)
        self._count_at = clock()
        self._trouble = Trouble(log, "relaying is interrupted", "relaying goes on")

    async def run(self, stopping: asyncio.Event) -> None:
        """Relays until `stopping`, whenever there is a sink and no other process relays."""
        backoff = Backoff(stopping)
        while not stopping.is_set():
            try:
                if (await self._fanning_out.look()).sinks and await self._lease.take():
                    await self._lease.while_held(self._relay(stopping, backoff))
                else:
                    self._trouble.end()
                    await wait(stopping, IDLE_SEC)
            except Unavailable as error:
                self._trouble.tell(str(error))
                await backoff.pause()
            except Exception as error:
                self._trouble.tell(f"expected no fault, found one: {fault(error)}")
                await backoff.pause()

    async def once(self) -> Sent:
        """Relays all that is due, each delivery once. Raises LmsError while another process relays."""
        if not await self._lease.take():
            raise LmsError("expected no other relay at work, found one, such as a server's: that one sends what is due")
        return await self._lease.while_held(self._relay_once())

    async def _relay(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        """Fans out what comes, and has a task for each sink send it; until there is no sink any more."""
        tasks = SinkTasks(self._database, self._clock)
        try:
            while not stopping.is_set() and (found := await self._fanning_out.look()).sinks:
                tasks.see_to(found.sinks)
                if found.is_waiting:
                    await unbroken(self._fanning_out.next())
                    tasks.tell()
                else:
                    await wait(stopping, LOOK_EVERY_SEC)
                await self._count_dead()
                backoff.reset()
                self._trouble.end()
            await tasks.end()
        finally:
            await tasks.break_off()

    async def _relay_once(self) -> Sent:
        found = await self._fanning_out.look()
        relayed = len(found.sinks)
        while relayed:
            relayed = await unbroken(self._fanning_out.next())
        return sum_up([await Sending(self._database, sink, self._clock).once() for sink in found.sinks])

    async def _count_dead(self) -> None:
        """Tells Prometheus, every now and then, how many deliveries were given up."""
        if self._clock() < self._count_at:
            return
        self._count_at = self._clock() + COUNT_EVERY
        DEAD_LETTERS.labels(SOURCE).set(await unbroken(self._database.query(count_dead)))


@asynccontextmanager
async def background_relay(relay: Relay) -> AsyncIterator[None]:
    """Runs the relay while the block does."""
    stopping = asyncio.Event()
    task = asyncio.create_task(relay.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait([task], timeout=STOP_SEC)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def sum_up(parts: Sequence[Sent]) -> Sent:
    total = Sent()
    for part in parts:
        total = total.plus(part)
    return total
