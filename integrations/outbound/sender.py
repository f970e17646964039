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

from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import UnavailableError
from eventstore.outage_log import OutageLog
from eventstore.redaction import fault
from eventstore.times import Clock
from integrations.notifications import notified_stats
from integrations.outbound import deliveries
from integrations.outbound.batch_sender import attempted, send
from integrations.outbound.retry_policy import DeliveryOutcome, DueDelivery, apply_result
from integrations.outbound.sink import OutboundMessage, Result, Sink, SinkSpec
from integrations.runtime.backoff import Backoff, wait
from integrations.runtime.metrics import PUBLISHED
from integrations.tables import DeliveryStatus

BATCH = 100
LOOK_EVERY_SEC = 1.0
"""How often to look for what is due by now, unless there is news."""

NOTE_AGAIN_SEC = 1.0

log = logging.getLogger(__name__)


class SendCounts(NamedTuple):
    """How many deliveries arrived, and how many failed."""

    arrived: int = 0
    failed: int = 0

    def plus(self, more: "SendCounts") -> "SendCounts":
        return SendCounts(self.arrived + more.arrived, self.failed + more.failed)


class SinkSender:
    """What one sink is sent. Set `news` when there is something, `stopping` to end it after its batch."""

    def __init__(self, database: Database, known: SinkSpec, clock: Clock) -> None:
        self.news = asyncio.Event()
        self.stopping = asyncio.Event()
        self._database = database
        self._known = known
        self._clock = clock
        self._trouble = OutageLog(log, f"sending to {known.name} is interrupted", f"sending to {known.name} goes on")
        self._refusals = OutageLog(
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
                    await self._send_forever(sink, backoff)
            except UnavailableError as error:
                self._trouble.report(str(error))
                await backoff.pause()
            except Exception as error:
                self._trouble.report(f"expected no fault, found one: {fault(error)}")
                await backoff.pause()

    async def once(self) -> SendCounts:
        """Sends what is due, each delivery once, as long as something of a batch arrives."""
        total, sent = SendCounts(), SendCounts(arrived=1)
        async with self._known.make() as sink:
            while sent.arrived:
                sent = await self._send_due(sink, BATCH)
                total = total.plus(sent)
        return total

    async def _send_forever(self, sink: Sink, backoff: Backoff) -> None:
        most = BATCH
        while not self.stopping.is_set():
            self.news.clear()
            sent = await self._send_due(sink, most)
            self._trouble.recovered()
            if sent.arrived:
                most = BATCH
                backoff.reset()
            elif sent.failed:
                most = 1
                await backoff.pause()
            else:
                await wait(self.news, LOOK_EVERY_SEC)

    async def _send_due(self, sink: Sink, most: int) -> SendCounts:
        async def read(connection: AsyncConnection) -> list[DueDelivery]:
            return await deliveries.select_due_deliveries(connection, self._known.name, most, self._clock())

        due = await shielded(self._database.run_read(read))
        if not due:
            return SendCounts()
        outcomes = list(attempted(due, await send(sink, [one.announcement for one in due])))
        now = self._clock()
        settled = [apply_result(one, sink.name, result, now) for one, result in outcomes]
        arrived = [one.announcement for one, result in outcomes if result.error is None]
        await shielded(self._save(settled, arrived, now))
        self._report(outcomes, settled)
        return SendCounts(len(arrived), len(settled) - len(arrived))

    async def _save(
        self, settled: Sequence[DeliveryOutcome], arrived: Sequence[OutboundMessage], now: datetime
    ) -> None:
        """Notes it, however long the database is away: what arrived would be sent again."""
        while True:
            try:
                async with self._database.write_without_course_lock() as connection:
                    await deliveries.save_outcomes(connection, settled)
                    return await notified_stats.record_notified(connection, arrived, now)
            except UnavailableError as error:
                self._trouble.report(f"what was sent is not noted yet: {error}")
                await asyncio.sleep(NOTE_AGAIN_SEC)

    def _report(self, outcomes: Sequence[tuple[DueDelivery, Result]], settled: Sequence[DeliveryOutcome]) -> None:
        """Tells the metrics what became of each, and the log why any did not arrive: not what it says."""
        for (due, _), one in zip(outcomes, settled, strict=True):
            outcome = "failed" if one.status == DeliveryStatus.PENDING else one.status.value
            PUBLISHED.labels(self._known.system, due.announcement.type, outcome).inc()
            if one.status == DeliveryStatus.DEAD:
                log.error("announcement %s to %s is dead", one.message_id, one.sink)
        refusals = [result.error for _, result in outcomes if result.error is not None]
        if refusals:
            self._refusals.report(refusals[0])
        elif settled:
            self._refusals.recovered()
