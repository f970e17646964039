"""The relay: what the outbox has becomes deliveries, and these are sent to every sink.

Any number of processes may have one: by a lease, one at a time is at work, and another goes on where it was killed.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.unbroken import unbroken
from eventstore.database import Database
from eventstore.errors import LmsError, Unavailable
from eventstore.times import Clock
from integrations.backoff import Backoff
from integrations.deliveries import count_dead
from integrations.fan_out import fan_out, is_waiting, read_waiting
from integrations.fault import fault
from integrations.lease import Lease
from integrations.metrics import DEAD_LETTERS
from integrations.sending import Sending, Sent
from integrations.sink_tasks import SinkTasks
from integrations.sinks import KnownSink
from integrations.webhook import subscriptions
from integrations.webhook.subscriptions import Subscription
from signals.course_store import CourseCache

LOOK_EVERY_SEC = 0.25
IDLE_SEC = 1.0
"""How often to look whether there is anything to do for this process, while there is not."""

COUNT_EVERY = timedelta(seconds=15)
SOURCE = "relay"
"""Under which the deliveries that were given up are counted among the dead letters."""

STOP_SEC = 5.0
"""How long what is being sent at the end may take."""

log = logging.getLogger(__name__)


class Found(NamedTuple):
    """What there is to do: the sinks, and whether the outbox has something for them."""

    sinks: list[KnownSink]
    is_waiting: bool


class Relay:
    """The relay of one process: to these brokers, and to each URL that subscribed by the sink `webhook` makes of it."""

    def __init__(
        self,
        database: Database,
        brokers: Sequence[KnownSink],
        webhook: Callable[[Subscription], KnownSink],
        clock: Clock,
    ) -> None:
        self._database = database
        self._brokers = brokers
        self._webhook = webhook
        self._clock = clock
        self._courses = CourseCache()
        self._lease = Lease(database, "relay", clock)
        self._count_at = clock()

    async def run(self, stopping: asyncio.Event) -> None:
        """Relays until `stopping`, whenever there is a sink and no other process relays."""
        backoff = Backoff(stopping)
        while not stopping.is_set():
            try:
                if (await self._look()).sinks and await self._lease.take():
                    await self._lease.while_held(self._relay(stopping, backoff))
                else:
                    await look_again(stopping, IDLE_SEC)
            except Unavailable as error:
                log.warning("relaying is interrupted: %s", error)
                await backoff.pause()
            except Exception as error:
                log.error("relaying failed, and is tried again: %s", fault(error))
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
            while not stopping.is_set() and (found := await self._look()).sinks:
                tasks.see_to(found.sinks)
                if found.is_waiting:
                    await unbroken(self._fan_out())
                    tasks.tell()
                else:
                    await look_again(stopping, LOOK_EVERY_SEC)
                await self._count_dead()
                backoff.reset()
            await tasks.end()
        finally:
            await tasks.break_off()

    async def _relay_once(self) -> Sent:
        found = await self._look()
        relayed = len(found.sinks)
        while relayed:
            relayed = await unbroken(self._fan_out())
        return sum_up([await Sending(self._database, sink, self._clock).once() for sink in found.sinks])

    async def _count_dead(self) -> None:
        """Tells Prometheus, every now and then, how many deliveries were given up."""
        if self._clock() < self._count_at:
            return
        self._count_at = self._clock() + COUNT_EVERY
        DEAD_LETTERS.labels(SOURCE).set(await unbroken(self._database.query(count_dead)))

    async def _look(self) -> Found:
        async def look(connection: AsyncConnection) -> Found:
            return Found(self._sinks(await subscriptions.enabled(connection)), await is_waiting(connection))

        return await unbroken(self._database.query(look))

    def _sinks(self, subscribed: Sequence[Subscription]) -> list[KnownSink]:
        return [*self._brokers, *map(self._webhook, subscribed)]

    async def _fan_out(self) -> int:
        """Fans out what waits longest. How many announcements that was."""
        async with self._database.write_apart() as connection:
            waiting = await read_waiting(connection)
            if waiting:
                sinks = self._sinks(await subscriptions.enabled_and_locked(connection))
                courses = await self._courses.courses(connection)
                await fan_out(connection, waiting, sinks, courses, self._clock())
        return len(waiting)


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


async def look_again(stopping: asyncio.Event, after_sec: float) -> None:
    """Waits until it is worth another look."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), after_sec)


def sum_up(parts: Sequence[Sent]) -> Sent:
    total = Sent()
    for part in parts:
        total = total.plus(part)
    return total
