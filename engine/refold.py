"""Refolding: the two kinds of work that fill a shadow, in pieces that any process can do in any order.

First pieces of the log become progress; then, from the progress of all, pieces of learners become signals and XP.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.derived import signals_of
from engine.narrow import narrow
from engine.park import park
from engine.project import Context, advance, by_learner, keep
from engine.record import count, set_aside
from eventstore.database import Database
from eventstore.event import Event
from eventstore.read import read_range
from projections import store as progress_store
from projections.fold import fold


class LogPiece(NamedTuple):
    """The events with `after` < seq <= `until`."""

    after: int
    until: int


class LearnersPiece(NamedTuple):
    """The learners with `after` < user_id <= `until`."""

    after: str
    until: str


async def refold(shadow: Database, piece: LogPiece, context: Context, now: datetime) -> int:
    """Merges what a piece of the log proves into the shadow's progress, and parks what it cannot. Its events."""
    async with shadow.read() as connection:
        numbered = await read_range(connection, piece.after, piece.until)
    events = [event for _, event in numbered]
    async with shadow.write_apart() as connection:
        await _merge(connection, events, context, now)
    return len(events)


async def _merge(connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime) -> None:
    async def some(events: Sequence[Event]) -> None:
        await count(connection, events, context)
        folded = fold(events)
        await park(connection, folded.failures, now)
        await advance(connection, folded.progress, await context.courses.courses(connection))

    async def refused(event: Event, error: DBAPIError) -> None:
        await set_aside(connection, [event], error, context, now)

    if events:
        await narrow(connection, events, some, refused)


async def rederive(shadow: Database, piece: LearnersPiece, context: Context, now: datetime) -> None:
    """Derives all signals and XP of a piece of the learners from the shadow's progress."""
    async with shadow.write_apart() as connection:
        courses = await context.courses.courses(connection)
        rows = await progress_store.load_range(connection, piece.after, piece.until)
        derived = [
            signal
            for user_id, progress in by_learner(rows.values()).items()
            for signal in signals_of(user_id, progress, courses)
        ]
        await keep(connection, derived, context, now)
