"""The relay: what the outbox has becomes deliveries, and these are sent to every sink.

Any number of processes may have one: by a lease, one at a time is at work, and another goes on where it was killed.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from engine.trouble import Trouble
from engine.unbroken import unbroken
from eventstore.database import Database
from eventstore.errors import LmsError
from eventstore.times import Clock
from integrations.backoff import Backoff, wait
from integrations.deliveries import count_dead
from integrations.fanning_out import FanningOut
from integrations.lease import Lease
from integrations.leased import keep_at
from integrations.metrics import DEAD_LETTERS
from integrations.sending import Sending, Sent
from integrations.sink_tasks import SinkTasks
from integrations.sinks import Sinks

LOOK_EVERY_SEC = 0.25
COUNT_EVERY = timedelta(seconds=15)
SOURCE = "relay"
"""Under which the deliveries that were given up are counted among the dead letters."""

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
        await keep_at(self._relay, self._lease, self._trouble, stopping, self._has_sinks)

    async def once(self) -> Sent:
        """Relays all that is due, each delivery once. Raises LmsError while another process relays."""
        if not await self._lease.take():
            raise LmsError("expected no other relay at work, found one, such as a server's: that one sends what is due")
        return await self._lease.while_held(self._relay_once())

    async def _has_sinks(self) -> bool:
        return bool((await self._fanning_out.look()).sinks)

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


def sum_up(parts: Sequence[Sent]) -> Sent:
    total = Sent()
    for part in parts:
        total = total.plus(part)
    return total
