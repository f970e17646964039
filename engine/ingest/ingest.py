"""Ingest: group commit. All waiting submissions are written in one transaction; each caller is answered after it.

One disk flush then serves many requests, and a busy moment makes batches larger instead of answers slower.
"""

import asyncio
import logging
from collections.abc import Sequence

from engine.ingest.commit import commit
from engine.ingest.submission import Receipt, Submission, SubmissionQueue, TransactionHook, sum_receipts
from engine.projecting.context import SHARDS, Context
from eventstore.db.database import Database
from eventstore.errors import LmsError, UnavailableError
from eventstore.event import Event
from eventstore.outage_log import OutageLog
from eventstore.redaction import reason_of
from eventstore.times import Clock

log = logging.getLogger(__name__)


class Ingest:
    """Write submitted events in batches. Call `start` before the first submission, and `stop` at the end.

    There is one partition for each transaction that the database accepts at a time: a queue, and the task that writes
    it. At most `queue_events` events wait in all partitions, or one submission a partition.
    """

    def __init__(self, database: Database, context: Context, clock: Clock, queue_events: int) -> None:
        self._database = database
        self._context = context
        self._limits = context.limits
        self._clock = clock
        self._queue_events = queue_events
        self._partitions = [SubmissionQueue() for _ in range(database.writers)]
        self._unanswered = 0
        self._writers: list[asyncio.Task[None]] = []
        self._stopping = False
        self._outage = OutageLog(log, "cannot write events; clients get 503", "events are written again")

    def start(self) -> None:
        """Start the tasks that write."""
        distance = SHARDS // len(self._partitions)
        for number in range(max(self._limits.concurrent_batches, len(self._partitions))):
            context = self._context._replace(shard=(self._context.shard + number * distance) % SHARDS)
            partition = self._partitions[number % len(self._partitions)]
            self._writers.append(asyncio.create_task(self._write_forever(partition, context)))

    async def stop(self) -> None:
        """Write all waiting submissions, then end."""
        self._stopping = True
        for partition in self._partitions:
            partition.arrived.set()
        await asyncio.gather(*self._writers)

    async def submit(self, events: Sequence[Event], hook: TransactionHook | None = None) -> Receipt:
        """Record the events in one transaction, together with what `hook` writes. Return when it has committed.

        Raise UnavailableError when the queue is full, or the database is unreachable: nothing is stored then.
        """
        if self._stopping:
            raise UnavailableError("the server is shutting down")
        partition = self._partition_for(events)
        if partition and sum(each.events for each in self._partitions) + len(events) > self._queue_events:
            raise UnavailableError(f"the queue is full: at most {self._queue_events} events may wait")
        self._database.yield_to_writer()
        submission = Submission(events, hook, asyncio.get_running_loop().create_future())
        partition.add(submission)
        self._unanswered += len(events)
        try:
            return await submission.receipt
        finally:
            self._unanswered -= len(events)
            self._database.yield_to_writer()

    async def submit_many(self, events: Sequence[Event]) -> Receipt:
        """Record any number of events, a large number in several transactions: each is stored or refused by itself.

        Raise UnavailableError when one of them is refused; others may be stored, and count as duplicates later.
        """
        if 0 < len(events) < self._limits.large_submission_events:
            return await self.submit(events)
        receipts = [Receipt(0, 0, [])]
        for start in range(0, len(events), self._limits.batch_events):
            parts = self.partition(events[start : start + self._limits.batch_events])
            receipts += await asyncio.gather(*map(self.submit, parts))
        return sum_receipts(receipts)

    def partition(self, events: Sequence[Event]) -> list[Sequence[Event]]:
        """Split many events by learner, one part a partition, so that parallel transactions lock different learners.

        A caller that tries each part again by itself submits the parts itself, in place of `submit_many`.
        """
        if len(self._partitions) == 1 or len(events) < self._limits.large_submission_events:
            return [events]
        parts: list[list[Event]] = [[] for _ in self._partitions]
        for event in events:
            parts[self._number_for(event)].append(event)
        return [part for part in parts if part]

    def _partition_for(self, events: Sequence[Event]) -> SubmissionQueue:
        """Small submissions share partition 0, to be committed together. Others go where their learners are."""
        is_part = len(events) * len(self._partitions) >= self._limits.large_submission_events // 2  # sizes vary
        return self._partitions[self._number_for(events[0]) if is_part else 0]

    def _number_for(self, event: Event) -> int:
        return hash(event.user_id) % len(self._partitions)

    async def _write_forever(self, partition: SubmissionQueue, context: Context) -> None:
        """Write the submissions of a partition until `stop`."""
        while not self._stopping or partition:
            await partition.arrived.wait()
            partition.arrived.clear()
            while partition and not partition.is_claimed:
                partition.is_claimed = True
                await self._write_batch(partition, [], context)
                if partition or self._stopping:  # the other task may have found the queue claimed, and waits
                    partition.arrived.set()

    async def _write_batch(self, partition: SubmissionQueue, batch: list[Submission], context: Context) -> None:
        """Commit a batch. An empty one is filled from the queue once its transaction is open.

        If a batch fails for any reason but unavailability, its submissions are committed one by one.
        """
        try:
            receipts = await commit(self._database, batch, lambda: self._next_batch(partition), context, self._clock)
        except Exception as error:
            batch = batch or self._next_batch(partition)
            if len(batch) > 1 and not isinstance(error, LmsError):
                for submission in batch:
                    await self._write_batch(partition, [submission], context)
                return
            self._outage.report(reason_of(error))
            for submission in batch:
                submission.fail(error)
        else:
            self._outage.recovered()
            for submission, receipt in zip(batch, receipts, strict=True):
                submission.answer(receipt)

    def _next_batch(self, partition: SubmissionQueue) -> list[Submission]:
        batch = partition.pop_batch(self._batch_size())
        partition.is_claimed = False
        return batch

    def _batch_size(self) -> int:
        """Return how many events one transaction may have: with a writer thread, about half of the unanswered ones.

        The event loop answers the other half meanwhile. Large batches stay whole: the database does the work then, and
        large transactions change fewer pages.
        """
        if len(self._partitions) > 1 or self._unanswered >= self._limits.large_submission_events:
            return self._limits.batch_events
        return max(self._limits.small_batch_events, self._unanswered // 2)
