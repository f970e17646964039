"""The relay: what the outbox has becomes deliveries, and these are sent to every sink.

Any number of processes may have one: by a lease, one at a time is at work, and another goes on where it was killed.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import LmsError
from eventstore.outage_log import OutageLog
from eventstore.times import Clock
from integrations.outbound.deliveries import count_dead
from integrations.outbound.fan_out import FanOut
from integrations.outbound.sender import SendCounts, SinkSender
from integrations.outbound.sinks import Sinks
from integrations.outbound.supervisor import SinkTasks
from integrations.runtime.backoff import Backoff, wait
from integrations.runtime.leader import run_as_leader
from integrations.runtime.lease import Lease
from integrations.runtime.metrics import DEAD_LETTERS

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
        self._fanning_out = FanOut(database, sinks, clock)
        self._lease = Lease(database, "relay", clock)
        self._count_at = clock()
        self._trouble = OutageLog(log, "relaying is interrupted", "relaying goes on")

    async def run(self, stopping: asyncio.Event) -> None:
        """Relays until `stopping`, whenever there is a sink and no other process relays."""
        await run_as_leader(self._relay, self._lease, self._trouble, stopping, self._has_sinks)

    async def once(self) -> SendCounts:
        """Relays all that is due, each delivery once. Raises LmsError while another process relays."""
        if not await self._lease.acquire():
            raise LmsError("expected no other relay at work, found one, such as a server's: that one sends what is due")
        return await self._lease.hold(self._relay_once())

    async def _has_sinks(self) -> bool:
        return bool((await self._fanning_out.look()).sinks)

    async def _relay(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        """Fans out what comes, and has a task for each sink send it; until there is no sink any more."""
        tasks = SinkTasks(self._database, self._clock)
        try:
            while not stopping.is_set() and (found := await self._fanning_out.look()).sinks:
                tasks.reconcile(found.sinks)
                if found.is_waiting:
                    await shielded(self._fanning_out.next())
                    tasks.wake()
                else:
                    await wait(stopping, LOOK_EVERY_SEC)
                await self._count_dead()
                backoff.reset()
                self._trouble.recovered()
            await tasks.end()
        finally:
            await tasks.cancel()

    async def _relay_once(self) -> SendCounts:
        found = await self._fanning_out.look()
        relayed = len(found.sinks)
        while relayed:
            relayed = await shielded(self._fanning_out.next())
        return sum_up([await SinkSender(self._database, sink, self._clock).once() for sink in found.sinks])

    async def _count_dead(self) -> None:
        """Tells Prometheus, every now and then, how many deliveries were given up."""
        if self._clock() < self._count_at:
            return
        self._count_at = self._clock() + COUNT_EVERY
        DEAD_LETTERS.labels(SOURCE).set(await shielded(self._database.run_read(count_dead)))


def sum_up(parts: Sequence[SendCounts]) -> SendCounts:
    total = SendCounts()
    for part in parts:
        total = total.plus(part)
    return total
