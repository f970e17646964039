"""Ingest: group commit. Whatever waits is written in one transaction, and each caller is answered after it.

One disk flush then serves many requests, and a busy moment makes batches larger instead of answers slower.
"""

import asyncio
import logging
from collections.abc import Sequence

from engine.ingest.commit import commit
from engine.ingest.submission import Queue, Receipt, Submission, TransactionHook
from engine.projecting.project import SHARDS, Context
from eventstore.db.database import Database
from eventstore.errors import LmsError, UnavailableError
from eventstore.event import Event
from eventstore.outage_log import OutageLog
from eventstore.redaction import reason_of
from eventstore.times import Clock

log = logging.getLogger(__name__)
BATCH_EVENTS = 20_000

SMALL_BATCH_EVENTS = 32
"""So many are written together if they wait. Fewer would not be worth a commit of their own."""

BATCHES_UNDER_WAY = 2
"""Where one is written at a time, the next waits for its turn. So the database never waits for the event loop."""

MANY_EVENTS = 2_000
"""So many are worth a transaction beside another one, where the database can do that; else all that wait together."""


class Ingest:
    """Takes events in. `start` it before, `stop` it after; `queue_events` may wait at most, or one submission a lane.

    There is a lane for each transaction that the database takes at a time: a queue, and whoever writes it.
    """

    def __init__(self, database: Database, context: Context, clock: Clock, queue_events: int) -> None:
        self._database = database
        self._context = context
        self._clock = clock
        self._queue_events = queue_events
        self._lanes = [Queue() for _ in range(database.writers)]
        self._unanswered = 0
        self._writers: list[asyncio.Task[None]] = []
        self._stopping = False
        self._trouble = OutageLog(
            log, "events are not written, and their senders are told so", "events are written again"
        )

    def start(self) -> None:
        apart = SHARDS // len(self._lanes)
        for number in range(max(BATCHES_UNDER_WAY, len(self._lanes))):
            context = self._context._replace(shard=(self._context.shard + number * apart) % SHARDS)
            self._writers.append(asyncio.create_task(self._write(self._lanes[number % len(self._lanes)], context)))

    async def stop(self) -> None:
        """Writes what waits, then ends."""
        self._stopping = True
        for lane in self._lanes:
            lane.arrived.set()
        await asyncio.gather(*self._writers)

    def partition(self, events: Sequence[Event]) -> list[Sequence[Event]]:
        """As which submissions many events are best submitted: a learner's all in one, one for each lane.

        So transactions beside each other do not wait for the same learners. Each is kept or refused by itself.
        """
        if len(self._lanes) == 1 or len(events) < MANY_EVENTS:
            return [events]
        parts: list[list[Event]] = [[] for _ in self._lanes]
        for event in events:
            parts[self._lane_of(event)].append(event)
        return [part for part in parts if part]

    async def submit(self, events: Sequence[Event], alongside: TransactionHook | None = None) -> Receipt:
        """Records the events, durably and projected, before it returns.

        Raises Unavailable when too much waits already or the database cannot be had: nothing is kept then.
        """
        if self._stopping:
            raise UnavailableError("expected a running server, found one that is shutting down")
        lane = self._partition_for(events)
        if lane and sum(each.events for each in self._lanes) + len(events) > self._queue_events:
            raise UnavailableError(f"expected at most {self._queue_events} events waiting, found the queue full")
        self._database.yield_to_writer()
        submission = Submission(events, alongside, asyncio.get_running_loop().create_future())
        lane.add(submission)
        self._unanswered += len(events)
        try:
            return await submission.receipt
        finally:
            self._unanswered -= len(events)
            self._database.yield_to_writer()

    def _partition_for(self, events: Sequence[Event]) -> Queue:
        """Few go where they share a transaction with others, many where no other one has their learners."""
        is_part = len(events) * len(self._lanes) >= MANY_EVENTS // 2  # parts differ in size
        return self._lanes[self._lane_of(events[0]) if is_part else 0]

    def _lane_of(self, event: Event) -> int:
        return hash(event.user_id) % len(self._lanes)

    async def _write(self, lane: Queue, context: Context) -> None:
        """Writes what waits in a lane, whenever something does."""
        while not self._stopping or lane:
            await lane.arrived.wait()
            lane.arrived.clear()
            while lane and not lane.is_claimed:
                lane.is_claimed = True
                await self._write_batch(lane, [], context)
                if lane or self._stopping:  # another one of this lane may have seen nothing to take, and wait
                    lane.arrived.set()

    async def _write_batch(self, lane: Queue, batch: list[Submission], context: Context) -> None:
        """Commits a batch, an empty one with what waits; what cannot be committed together, each by itself."""
        try:
            receipts = await commit(self._database, batch, lambda: self._next_batch(lane), context, self._clock)
        except Exception as error:
            batch = batch or self._next_batch(lane)
            if len(batch) > 1 and not isinstance(error, LmsError):
                for submission in batch:
                    await self._write_batch(lane, [submission], context)
                return
            self._trouble.report(reason_of(error))
            for submission in batch:
                if not submission.receipt.done():
                    submission.receipt.set_exception(error)
        else:
            self._trouble.recovered()
            for submission, receipt in zip(batch, receipts, strict=True):
                if not submission.receipt.done():
                    submission.receipt.set_result(receipt)

    def _next_batch(self, lane: Queue) -> list[Submission]:
        batch = lane.pop_batch(self._share())
        lane.is_claimed = False
        return batch

    def _share(self) -> int:
        """How many events may be written together: by a thread of this process, about half of the unanswered ones.

        While they are, the event loop answers the other half, and reads what comes next. Many are better kept together:
        then the work is the database's, and large transactions change fewer pages.
        """
        if len(self._lanes) > 1 or self._unanswered >= MANY_EVENTS:
            return BATCH_EVENTS
        return max(SMALL_BATCH_EVENTS, self._unanswered // 2)
