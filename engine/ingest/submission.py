"""Submissions: events that wait to be recorded in one transaction, and the receipts that their callers get."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.record import Recorded
from eventstore.event import Event
from signals.signal import Signal

TransactionHook = Callable[[AsyncConnection], Awaitable[None]]
"""Writes something else in the transaction that records a submission."""


class Receipt(NamedTuple):
    """The result of a submission: the number of new events, the number of duplicates, and the new signals."""

    accepted: int
    duplicates: int
    signals: list[Signal]


def sum_receipts(receipts: Iterable[Receipt]) -> Receipt:
    """Return one receipt for several submissions."""
    accepted, duplicates, signals = zip(*receipts, strict=True)
    return Receipt(sum(accepted), sum(duplicates), list(chain.from_iterable(signals)))


class Submission(NamedTuple):
    """Events that wait to be recorded, what to write along with them, and the future that gets the receipt."""

    events: Sequence[Event]
    hook: TransactionHook | None
    receipt: asyncio.Future[Receipt]

    def answer(self, receipt: Receipt) -> None:
        """Give the caller the receipt, if it still waits."""
        if not self.receipt.done():
            self.receipt.set_result(receipt)

    def fail(self, error: Exception) -> None:
        """Raise the error in the caller, if it still waits."""
        if not self.receipt.done():
            self.receipt.set_exception(error)


class SubmissionQueue:
    """Submissions waiting to be written, first in, first out.

    The event loop adds and the writer thread removes, so each side has a counter of its own, and only that side changes
    it. `arrived` wakes the tasks that write. `is_claimed` is true while a transaction is about to remove a batch.
    """

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.is_claimed = False
        self._submissions: deque[Submission] = deque()
        self._added = 0
        self._removed = 0

    def __bool__(self) -> bool:
        return bool(self._submissions)

    @property
    def events(self) -> int:
        """The number of waiting events."""
        return self._added - self._removed

    def add(self, submission: Submission) -> None:
        self._submissions.append(submission)
        self._added += len(submission.events)
        self.arrived.set()

    def pop_batch(self, limit: int) -> list[Submission]:
        """Remove the next submissions and return them: at least one, and at most `limit` events in all."""
        batch: list[Submission] = []
        size = 0
        while self._submissions and (not batch or size + len(self._submissions[0].events) <= limit):
            batch.append(self._submissions.popleft())
            size += len(batch[-1].events)
        self._removed += size
        return batch


def deduplicate(batch: Sequence[Submission]) -> list[Event]:
    """Return the batch's events, the first of each key."""
    events: dict[tuple[str, str], Event] = {}
    for submission in batch:
        for event in submission.events:
            events.setdefault(event.key, event)
    return list(events.values())


def receipts(batch: Sequence[Submission], recorded: Recorded) -> list[Receipt]:
    """Return one receipt a submission. A signal is reported to the last of its learner's submissions."""
    if len(batch) == 1:
        new = len(recorded.events)
        return [Receipt(new, len(batch[0].events) - new, recorded.signals)]
    if not recorded.signals and len(recorded.events) == sum(len(submission.events) for submission in batch):
        return [Receipt(len(submission.events), 0, []) for submission in batch]
    owner: dict[tuple[str, str], int] = {}
    for number, submission in enumerate(batch):
        for event in submission.events:
            owner.setdefault(event.key, number)
    accepted = Counter(owner[event.key] for event in recorded.events)
    last_of: dict[str, int] = {}
    for event in recorded.events:
        last_of[event.user_id] = max(last_of.get(event.user_id, 0), owner[event.key])
    signals: list[list[Signal]] = [[] for _ in batch]
    for signal in recorded.signals:
        signals[last_of[signal.user_id]].append(signal)
    return [
        Receipt(accepted[number], len(submission.events) - accepted[number], signals[number])
        for number, submission in enumerate(batch)
    ]
