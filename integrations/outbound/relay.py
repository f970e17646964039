"""The relay: it fans out the messages of the outbox to deliveries, and sends these to every sink.

Any number of processes may run a relay. By a lease one works at a time, and another takes over if that one dies.
"""

import asyncio
import logging
from collections.abc import Sequence

from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import LmsError
from eventstore.outage_log import OutageLog
from eventstore.times import Clock
from integrations.outbound.deliveries import count_dead
from integrations.outbound.fan_out import FanOut
from integrations.outbound.sender import SendCounts, SinkSender
from integrations.outbound.sink import Sinks
from integrations.outbound.supervisor import SinkTasks
from integrations.runtime.backoff import Backoff, wait
from integrations.runtime.leader import run_as_leader
from integrations.runtime.lease import Lease
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.runtime.metrics import DEAD_LETTERS

SOURCE = "relay"
"""The label of dead deliveries in the metric of dead letters."""

log = logging.getLogger(__name__)


class Relay:
    """The relay of one process."""

    def __init__(self, database: Database, sinks: Sinks, clock: Clock, limits: Limits = DEFAULT_LIMITS) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._fan_out = FanOut(database, sinks, clock, limits)
        self._lease = Lease(database, "relay", clock, limits)
        self._count_at = clock()
        self._outage = OutageLog(log, "the relay is interrupted", "the relay works again")

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until `stopping` is set, whenever there is a sink and no other process relays."""
        await run_as_leader(self._relay, self._lease, self._outage, stopping, self._has_sinks, self._limits)

    async def once(self) -> SendCounts:
        """Attempt each due delivery once. Raise LmsError while another process relays."""
        if not await self._lease.acquire():
            raise LmsError("another relay is running, such as a server's; it sends what is due")
        return await self._lease.hold(self._relay_once())

    async def _has_sinks(self) -> bool:
        return bool((await self._fan_out.look()).sinks)

    async def _relay(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        """Fan out new messages, while a task for each sink sends them, until no sink is left."""
        tasks = SinkTasks(self._database, self._clock, self._limits)
        try:
            while not stopping.is_set() and (pending := await self._fan_out.look()).sinks:
                tasks.reconcile(pending.sinks)
                if pending.is_waiting:
                    await shielded(self._fan_out.next())
                    tasks.wake()
                else:
                    await wait(stopping, self._limits.outbox_pause_sec)
                await self._count_dead()
                backoff.reset()
                self._outage.recovered()
            await tasks.end()
        finally:
            await tasks.cancel()

    async def _relay_once(self) -> SendCounts:
        sinks = (await self._fan_out.look()).sinks
        fanned_out = len(sinks)
        while fanned_out:
            fanned_out = await shielded(self._fan_out.next())
        senders = [SinkSender(self._database, sink, self._clock, self._limits) for sink in sinks]
        return sum_counts([await sender.once() for sender in senders])

    async def _count_dead(self) -> None:
        """Set the metric of dead deliveries, at intervals."""
        if self._clock() < self._count_at:
            return
        self._count_at = self._clock() + self._limits.dead_letter_count_interval
        DEAD_LETTERS.labels(SOURCE).set(await shielded(self._database.run_read(count_dead)))


def sum_counts(parts: Sequence[SendCounts]) -> SendCounts:
    total = SendCounts()
    for part in parts:
        total = total.plus(part)
    return total
