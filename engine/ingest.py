"""Ingest: group commit. Whatever waits is written in one transaction, and each caller is answered after it.

One disk flush then serves many requests, and a busy moment makes batches larger instead of answers slower.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.project import Context
from engine.record import Recorded, record, record_carefully
from eventstore.database import Database
from eventstore.errors import Clash, LmsError, Unavailable
from eventstore.event import Event
from eventstore.times import Clock
from signals.signal import Signal

log = logging.getLogger(__name__)

BATCH_EVENTS = 5_000
CLASH_ATTEMPTS = 5

Alongside = Callable[[AsyncConnection], Awaitable[None]]
"""Something else to write in the transaction that records a submission."""


Record = Callable[[AsyncConnection, Sequence[Event], Context, datetime], Awaitable[Recorded]]


class Receipt(NamedTuple):
    """What became of a submission: events that were new, those that were there, signals that followed."""

    accepted: int
    duplicates: int
    signals: list[Signal]


class Submission(NamedTuple):
    """Events that wait to be recorded, and where their receipt goes."""

    events: Sequence[Event]
    alongside: Alongside | None
    receipt: asyncio.Future[Receipt]


class Ingest:
    """Takes events in. `start` it before, `stop` it after; `queue_events` may wait at most."""

    def __init__(self, database: Database, context: Context, clock: Clock, queue_events: int) -> None:
        self._database = database
        self._context = context
        self._clock = clock
        self._queue_events = queue_events
        self._queue: deque[Submission] = deque()
        self._waiting_events = 0
        self._arrived = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._stopping = False
        self._refusal: str | None = None

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Writes what waits, then ends."""
        self._stopping = True
        self._arrived.set()
        if self._writer is not None:
            await self._writer

    async def submit(self, events: Sequence[Event], alongside: Alongside | None = None) -> Receipt:
        """Records the events, durably and projected, before it returns.

        Raises Unavailable when too much waits already or the database cannot be had: nothing is kept then.
        """
        if self._stopping:
            raise Unavailable("expected a running server, found one that is shutting down")
        if self._waiting_events and self._waiting_events + len(events) > self._queue_events:
            raise Unavailable(f"expected at most {self._queue_events} events waiting, found the queue full")
        submission = Submission(events, alongside, asyncio.get_running_loop().create_future())
        self._queue.append(submission)
        self._waiting_events += len(events)
        self._arrived.set()
        return await submission.receipt

    async def _write(self) -> None:
        while not self._stopping or self._queue:
            await self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                await self._settle(self._next_batch())

    def _next_batch(self) -> list[Submission]:
        batch = [self._queue.popleft()]
        size = len(batch[0].events)
        while self._queue and size + len(self._queue[0].events) <= BATCH_EVENTS:
            batch.append(self._queue.popleft())
            size += len(batch[-1].events)
        self._waiting_events -= size
        return batch

    async def _settle(self, batch: list[Submission]) -> None:
        """Records a batch; if something in it cannot be recorded at all, each submission by itself."""
        try:
            receipts = await self._record(batch)
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, LmsError):
                for submission in batch:
                    await self._settle([submission])
                return
            self._log_refusal(str(error))
            for submission in batch:
                if not submission.receipt.done():
                    submission.receipt.set_exception(error)
        else:
            self._log_refusal(None)
            for submission, receipt in zip(batch, receipts, strict=True):
                if not submission.receipt.done():
                    submission.receipt.set_result(receipt)

    def _log_refusal(self, reason: str | None) -> None:
        """Says once why events are not written, however often that happens, and when they are again."""
        if reason == self._refusal:
            return
        if reason is None:
            log.warning("events are written again")
        else:
            log.warning("events are not written, and their senders are told so: %s", reason)
        self._refusal = reason

    async def _record(self, batch: list[Submission]) -> list[Receipt]:
        for _ in range(CLASH_ATTEMPTS - 1):
            with suppress(Clash):
                return await self._record_once(batch)
        return await self._record_once(batch)

    async def _record_once(self, batch: list[Submission]) -> list[Receipt]:
        try:
            return await self._transaction(batch, record)
        except DBAPIError:
            return await self._transaction(batch, record_carefully)

    async def _transaction(self, batch: list[Submission], how: Record) -> list[Receipt]:
        async with self._database.write() as connection:
            recorded = await how(connection, distinct(batch), self._context, self._clock())
            for submission in batch:
                if submission.alongside is not None:
                    await submission.alongside(connection)
        return receipts(batch, recorded)


def distinct(batch: Sequence[Submission]) -> list[Event]:
    """The batch's events, each key once: the first that came."""
    events: dict[tuple[str, str], Event] = {}
    for submission in batch:
        for event in submission.events:
            events.setdefault(event.key, event)
    return list(events.values())


def receipts(batch: Sequence[Submission], recorded: Recorded) -> list[Receipt]:
    """Each submission's part in what was recorded. A signal is told to the last of its learner's submissions."""
    owner: dict[tuple[str, str], int] = {}
    for number, submission in enumerate(batch):
        for event in submission.events:
            owner.setdefault(event.key, number)
    accepted = Counter(owner[event.key] for event in recorded.events)
    told_to: dict[str, int] = {}
    for event in recorded.events:
        told_to[event.user_id] = max(told_to.get(event.user_id, 0), owner[event.key])
    signals: list[list[Signal]] = [[] for _ in batch]
    for signal in recorded.signals:
        signals[told_to[signal.user_id]].append(signal)
    return [
        Receipt(accepted[number], len(submission.events) - accepted[number], signals[number])
        for number, submission in enumerate(batch)
    ]
