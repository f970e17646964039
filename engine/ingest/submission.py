"""Submissions: what waits to be recorded together, and what each of them is told after it."""

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
"""Something else to write in the transaction that records a submission."""


class Receipt(NamedTuple):
    """What became of a submission: events that were new, those that were there, signals that followed."""

    accepted: int
    duplicates: int
    signals: list[Signal]


def sum_receipts(receipts: Iterable[Receipt]) -> Receipt:
    """What became of several submissions."""
    accepted, duplicates, signals = zip(*receipts, strict=True)
    return Receipt(sum(accepted), sum(duplicates), list(chain.from_iterable(signals)))


class Submission(NamedTuple):
    """Events that wait to be recorded, and where their receipt goes."""

    events: Sequence[Event]
    hook: TransactionHook | None
    receipt: asyncio.Future[Receipt]


class Queue:
    """Submissions that wait, in the order in which they came.

    The event loop adds to it, and the thread that writes takes from it, if the database has one: so each has a count
    of its own. `arrived` tells those who wait for some; `taking` is so while a transaction is on its way to take all.
    """

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.is_claimed = False
        self._submissions: deque[Submission] = deque()
        self._came = 0
        self._taken = 0

    def __bool__(self) -> bool:
        return bool(self._submissions)

    @property
    def events(self) -> int:
        """How many events wait."""
        return self._came - self._taken

    def add(self, submission: Submission) -> None:
        self._submissions.append(submission)
        self._came += len(submission.events)
        self.arrived.set()

    def pop_batch(self, most: int) -> list[Submission]:
        """The next ones: one at least, and no more than have `most` events."""
        batch: list[Submission] = []
        size = 0
        while self._submissions and (not batch or size + len(self._submissions[0].events) <= most):
            batch.append(self._submissions.popleft())
            size += len(batch[-1].events)
        self._taken += size
        return batch


def deduplicate(batch: Sequence[Submission]) -> list[Event]:
    """The batch's events, each key once: the first that came."""
    events: dict[tuple[str, str], Event] = {}
    for submission in batch:
        for event in submission.events:
            events.setdefault(event.key, event)
    return list(events.values())


def receipts(batch: Sequence[Submission], recorded: Recorded) -> list[Receipt]:
    """Each submission's part in what was recorded. A signal is told to the last of its learner's submissions."""
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
