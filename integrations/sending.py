"""Sending: what is due at one sink is sent in batches, and what became of each announcement is noted.

A sink at which nothing arrives is tried with one announcement at a time, after growing pauses: it takes what waits
once it answers again.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.trouble import Trouble
from engine.unbroken import unbroken
from eventstore.database import Database
from eventstore.errors import Unavailable
from eventstore.times import Clock
from integrations import deliveries
from integrations.attempt import DeliveryStatus, Due, Settled, settle
from integrations.backoff import Backoff, wait
from integrations.batch_sending import send, tried
from integrations.fault import fault
from integrations.metrics import PUBLISHED
from integrations.notifications import notified
from integrations.sink import Announcement, Result, Sink
from integrations.sinks import KnownSink

BATCH = 100
LOOK_EVERY_SEC = 1.0
"""How often to look for what is due by now, unless there is news."""

NOTE_AGAIN_SEC = 1.0

log = logging.getLogger(__name__)


class Sent(NamedTuple):
    """How many deliveries arrived, and how many failed."""

    arrived: int = 0
    failed: int = 0

    def plus(self, more: "Sent") -> "Sent":
        return Sent(self.arrived + more.arrived, self.failed + more.failed)


class Sending:
    """What one sink is sent. Set `news` when there is something, `stopping` to end it after its batch."""

    def __init__(self, database: Database, known: KnownSink, clock: Clock) -> None:
        self.news = asyncio.Event()
        self.stopping = asyncio.Event()
        self._database = database
        self._known = known
        self._clock = clock
        self._trouble = Trouble(log, f"sending to {known.name} is interrupted", f"sending to {known.name} goes on")
        self._refusals = Trouble(
            log,
            f"announcements do not arrive at {known.name}",
            f"announcements arrive at {known.name} again",
        )

    async def run(self) -> None:
        """Sends what is due, until `stopping`."""
        backoff = Backoff(self.stopping)
        while not self.stopping.is_set():
            try:
                async with self._known.make() as sink:
                    await self._keep_sending(sink, backoff)
            except Unavailable as error:
                self._trouble.tell(str(error))
                await backoff.pause()
            except Exception as error:
                self._trouble.tell(f"expected no fault, found one: {fault(error)}")
                await backoff.pause()

    async def once(self) -> Sent:
        """Sends what is due, each delivery once, as long as something of a batch arrives."""
        total, sent = Sent(), Sent(arrived=1)
        async with self._known.make() as sink:
            while sent.arrived:
                sent = await self._send_due(sink, BATCH)
                total = total.plus(sent)
        return total

    async def _keep_sending(self, sink: Sink, backoff: Backoff) -> None:
        most = BATCH
        while not self.stopping.is_set():
            self.news.clear()
            sent = await self._send_due(sink, most)
            self._trouble.end()
            if sent.arrived:
                most = BATCH
                backoff.reset()
            elif sent.failed:
                most = 1
                await backoff.pause()
            else:
                await wait(self.news, LOOK_EVERY_SEC)

    async def _send_due(self, sink: Sink, most: int) -> Sent:
        async def read(connection: AsyncConnection) -> list[Due]:
            return await deliveries.read_due(connection, self._known.name, most, self._clock())

        due = await unbroken(self._database.query(read))
        if not due:
            return Sent()
        outcomes = list(tried(due, await send(sink, [one.announcement for one in due])))
        now = self._clock()
        settled = [settle(one, sink.name, result, now) for one, result in outcomes]
        arrived = [one.announcement for one, result in outcomes if result.error is None]
        await unbroken(self._note(settled, arrived, now))
        self._tell(outcomes, settled)
        return Sent(len(arrived), len(settled) - len(arrived))

    async def _note(self, settled: Sequence[Settled], arrived: Sequence[Announcement], now: datetime) -> None:
        """Notes it, however long the database is away: what arrived would be sent again."""
        while True:
            try:
                async with self._database.write_apart() as connection:
                    await deliveries.note(connection, settled)
                    return await notified.note(connection, arrived, now)
            except Unavailable as error:
                self._trouble.tell(f"what was sent is not noted yet: {error}")
                await asyncio.sleep(NOTE_AGAIN_SEC)

    def _tell(self, outcomes: Sequence[tuple[Due, Result]], settled: Sequence[Settled]) -> None:
        """Tells the metrics what became of each, and the log why any did not arrive: not what it says."""
        for (due, _), one in zip(outcomes, settled, strict=True):
            outcome = "failed" if one.status == DeliveryStatus.PENDING else one.status.value
            PUBLISHED.labels(self._known.system, due.announcement.type, outcome).inc()
            if one.status == DeliveryStatus.DEAD:
                log.error("announcement %s to %s is dead", one.message_id, one.sink)
        refusals = [result.error for _, result in outcomes if result.error is not None]
        if refusals:
            self._refusals.tell(refusals[0])
        elif settled:
            self._refusals.end()
