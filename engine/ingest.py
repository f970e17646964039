"""Ingest: group commit. Whatever waits is written in one transaction, and each caller is answered after it.

One disk flush then serves many requests, and a busy moment makes batches larger instead of answers slower.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.project import SHARDS, Context
from engine.reason import reason_of
from engine.record import Recorded, record, record_carefully
from engine.submission import Alongside, Queue, Receipt, Submission, distinct, receipts
from engine.trouble import Trouble
from eventstore.database import Database
from eventstore.errors import Clash, LmsError, Unavailable
from eventstore.event import Event
from eventstore.times import Clock

log = logging.getLogger(__name__)
BATCH_EVENTS = 20_000
CLASH_ATTEMPTS = 5

SMALL_BATCH_EVENTS = 32
"""So many are written together if they wait. Fewer would not be worth a commit of their own."""

BATCHES_UNDER_WAY = 2
"""One is written, the next waits for its turn. So the database never waits for the event loop."""

MUCH_EVENTS = 2_000
"""When so many wait, the second is written beside the first, where the database can do that; else all of them together.
"""

Record = Callable[[AsyncConnection, Sequence[Event], Context, datetime], Awaitable[Recorded]]


class Ingest:
    """Takes events in. `start` it before, `stop` it after; `queue_events` may wait at most."""

    def __init__(self, database: Database, context: Context, clock: Clock, queue_events: int) -> None:
        self._database = database
        self._context = context
        self._clock = clock
        self._queue_events = queue_events
        self._queue = Queue()
        self._unanswered = 0
        self._arrived = asyncio.Event()
        self._writers: list[asyncio.Task[None]] = []
        self._taking = False  # while a transaction is on its way, to take all that waits then
        self._stopping = False
        self._trouble = Trouble(
            log, "events are not written, and their senders are told so", "events are written again"
        )

    def start(self) -> None:
        much = MUCH_EVENTS if self._database.writers > 1 else 0
        apart = SHARDS // self._database.writers
        for number in range(BATCHES_UNDER_WAY):
            context = self._context._replace(shard=(self._context.shard + number * apart) % SHARDS)
            self._writers.append(asyncio.create_task(self._write(context, least=number * much)))

    async def stop(self) -> None:
        """Writes what waits, then ends."""
        self._stopping = True
        self._arrived.set()
        await asyncio.gather(*self._writers)

    async def submit(self, events: Sequence[Event], alongside: Alongside | None = None) -> Receipt:
        """Records the events, durably and projected, before it returns.

        Raises Unavailable when too much waits already or the database cannot be had: nothing is kept then.
        """
        if self._stopping:
            raise Unavailable("expected a running server, found one that is shutting down")
        waiting = self._queue.events
        if waiting and waiting + len(events) > self._queue_events:
            raise Unavailable(f"expected at most {self._queue_events} events waiting, found the queue full")
        self._database.give_way()
        submission = Submission(events, alongside, asyncio.get_running_loop().create_future())
        self._queue.add(submission)
        self._arrived.set()
        self._unanswered += len(events)
        try:
            return await submission.receipt
        finally:
            self._unanswered -= len(events)
            self._database.give_way()

    async def _write(self, context: Context, least: int) -> None:
        """Writes what waits, whenever that is `least` events or more."""
        while not self._stopping or self._queue:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waits(least):
                self._taking = True
                await self._settle([], context)
                if self._queue or self._stopping:  # the other one may have seen nothing to take, and wait
                    self._arrived.set()

    def _waits(self, least: int) -> bool:
        """Whether there is something to write that no other transaction is about to take."""
        return bool(self._queue) and not self._taking and self._queue.events >= least

    async def _settle(self, batch: list[Submission], context: Context) -> None:
        """Records a batch, an empty one with what waits; what cannot be recorded together, each by itself."""
        try:
            receipts = await self._record(batch, context)
        except Exception as error:
            batch = batch or self._next_batch()
            if len(batch) > 1 and not isinstance(error, LmsError):
                for submission in batch:
                    await self._settle([submission], context)
                return
            self._trouble.tell(reason_of(error))
            for submission in batch:
                if not submission.receipt.done():
                    submission.receipt.set_exception(error)
        else:
            self._trouble.end()
            for submission, receipt in zip(batch, receipts, strict=True):
                if not submission.receipt.done():
                    submission.receipt.set_result(receipt)

    async def _record(self, batch: list[Submission], context: Context) -> list[Receipt]:
        for _ in range(CLASH_ATTEMPTS - 1):
            with suppress(Clash):
                return await self._record_once(batch, context)
        return await self._record_once(batch, context)

    async def _record_once(self, batch: list[Submission], context: Context) -> list[Receipt]:
        try:
            return await self._transaction(batch, context, record)
        except DBAPIError:
            return await self._transaction(batch, context, record_carefully)

    async def _transaction(self, batch: list[Submission], context: Context, how: Record) -> list[Receipt]:
        async def work(connection: AsyncConnection) -> list[Receipt]:
            batch.extend([] if batch else self._next_batch())  # so late, whatever came meanwhile goes along
            recorded = await how(connection, distinct(batch), context, self._clock())
            for submission in batch:
                if submission.alongside is not None:
                    await submission.alongside(connection)
            return receipts(batch, recorded)

        return await self._database.transact(work)

    def _next_batch(self) -> list[Submission]:
        batch = self._queue.take(self._share())
        self._taking = False
        return batch

    def _share(self) -> int:
        """How many events may be written together: by a thread of this process, about half of the unanswered ones.

        While they are, the event loop answers the other half, and reads what comes next. Much is better kept together:
        then the work is the database's, and large transactions change fewer pages.
        """
        if self._database.writers > 1 or self._unanswered >= MUCH_EVENTS:
            return BATCH_EVENTS
        return max(SMALL_BATCH_EVENTS, self._unanswered // 2)
