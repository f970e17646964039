"""Submissions: what waits to be recorded together, and what each of them is told after it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.record import Recorded
from eventstore.event import Event
from signals.signal import Signal

Alongside = Callable[[AsyncConnection], Awaitable[None]]
"""Something else to write in the transaction that records a submission."""


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


def distinct(batch: Sequence[Submission]) -> list[Event]:
    """The batch's events, each key once: the first that came."""
    events: dict[tuple[str, str], Event] = {}
    for submission in batch:
        for event in submission.events:
            events.setdefault(event.key, event)
    return list(events.values())


def receipts(batch: Sequence[Submission], recorded: Recorded) -> list[Receipt]:
    """Each submission's part in what was recorded. A signal is told to the last of its learner's submissions."""
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
