"""The sender of one sink: it sends due deliveries in batches, and saves the results.

While nothing is delivered, the sender attempts one message at a time, after growing pauses. When one is delivered, the
sender continues with whole batches.
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
from integrations.outbound.batch_sender import attempted, send_batch
from integrations.outbound.retry_policy import DeliveryOutcome, DueDelivery, apply_result
from integrations.outbound.sink import OutboundMessage, Result, Sink, SinkSpec
from integrations.runtime.backoff import Backoff, wait
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.runtime.metrics import PUBLISHED
from integrations.tables import DeliveryStatus

log = logging.getLogger(__name__)


class SendCounts(NamedTuple):
    """The numbers of deliveries that were delivered, and that failed."""

    delivered: int = 0
    failed: int = 0

    def plus(self, more: "SendCounts") -> "SendCounts":
        return SendCounts(self.delivered + more.delivered, self.failed + more.failed)


class SinkSender:
    """Sends to one sink. Set `wake` when deliveries are added, and `stopping` to end it after its batch."""

    def __init__(self, database: Database, spec: SinkSpec, clock: Clock, limits: Limits = DEFAULT_LIMITS) -> None:
        self.wake = asyncio.Event()
        self.stopping = asyncio.Event()
        self._database = database
        self._spec = spec
        self._clock = clock
        self._limits = limits
        self._outage = OutageLog(log, f"cannot send to {spec.name}", f"sending to {spec.name} works again")
        self._failures = OutageLog(log, f"messages to {spec.name} fail", f"messages to {spec.name} are delivered again")

    async def run(self) -> None:
        """Send due deliveries until `stopping` is set."""
        backoff = Backoff(self.stopping, self._limits)
        while not self.stopping.is_set():
            try:
                async with self._spec.make() as sink:
                    await self._send_until_stopped(sink, backoff)
            except UnavailableError as error:
                self._outage.report(str(error))
                await backoff.pause()
            except Exception as error:
                self._outage.report(f"internal error: {fault(error)}")
                await backoff.pause()

    async def once(self) -> SendCounts:
        """Attempt each due delivery once. Stop after a batch of which nothing is delivered."""
        total, counts = SendCounts(), SendCounts(delivered=1)
        async with self._spec.make() as sink:
            while counts.delivered:
                counts = await self._send_due(sink, self._limits.sink_batch_messages)
                total = total.plus(counts)
        return total

    async def _send_until_stopped(self, sink: Sink, backoff: Backoff) -> None:
        most = self._limits.sink_batch_messages
        while not self.stopping.is_set():
            self.wake.clear()
            counts = await self._send_due(sink, most)
            self._outage.recovered()
            if counts.delivered:
                most = self._limits.sink_batch_messages
                backoff.reset()
            elif counts.failed:
                most = 1
                await backoff.pause()
            else:
                await wait(self.wake, self._limits.delivery_pause_sec)

    async def _send_due(self, sink: Sink, most: int) -> SendCounts:
        async def read(connection: AsyncConnection) -> list[DueDelivery]:
            return await deliveries.select_due_deliveries(connection, self._spec.name, most, self._clock())

        due = await shielded(self._database.run_read(read))
        if not due:
            return SendCounts()
        results = list(attempted(due, await send_batch(sink, [delivery.message for delivery in due])))
        now = self._clock()
        outcomes = [apply_result(delivery, sink.name, result, now) for delivery, result in results]
        delivered = [delivery.message for delivery, result in results if result.error is None]
        await shielded(self._save(outcomes, delivered, now))
        self._report(results, outcomes)
        return SendCounts(len(delivered), len(outcomes) - len(delivered))

    async def _save(
        self, outcomes: Sequence[DeliveryOutcome], delivered: Sequence[OutboundMessage], now: datetime
    ) -> None:
        """Save the outcomes, however long the database is unavailable: lost outcomes would mean duplicates."""
        while True:
            try:
                async with self._database.write_without_course_lock() as connection:
                    await deliveries.save_outcomes(connection, outcomes)
                    return await notified_stats.record_notified(connection, delivered, now)
            except UnavailableError as error:
                self._outage.report(f"the results of a batch are not saved yet: {error}")
                await asyncio.sleep(self._limits.save_retry_sec)

    def _report(self, results: Sequence[tuple[DueDelivery, Result]], outcomes: Sequence[DeliveryOutcome]) -> None:
        """Count the outcomes in the metrics, and log why deliveries failed, without the contents of messages."""
        for (due, _), outcome in zip(results, outcomes, strict=True):
            label = "failed" if outcome.status == DeliveryStatus.PENDING else outcome.status.value
            PUBLISHED.labels(self._spec.system, due.message.type, label).inc()
            if outcome.status == DeliveryStatus.DEAD:
                log.error("the delivery of message %s to %s is dead", outcome.message_id, outcome.sink)
        errors = [result.error for _, result in results if result.error is not None]
        if errors:
            self._failures.report(errors[0])
        elif outcomes:
            self._failures.recovered()
