"""Folding in Python: merge events into a shadow's progress, in any process, in any order, and repeatedly.

An event that a rule fails on, or whose progress the database rejects, is parked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.parking.park import ALL_RULES, park
from engine.projecting.bisect import bisect_failures
from engine.projecting.context import Context
from engine.projecting.project import merge_progress
from eventstore.db.database import Database
from eventstore.event import Event
from eventstore.read import read_classes, read_range
from projections.fold import ProgressKey, RuleFailure, fold
from projections.rollups import learner_activity


class LogChunk(NamedTuple):
    """The events with `after` < seq <= `until`."""

    after: int
    until: int


async def fold_chunk(shadow: Database, chunk: LogChunk, context: Context, now: datetime) -> int:
    """Fold a chunk of the log into the shadow. Return the number of its events."""
    async with shadow.read() as connection:
        numbered = await read_range(connection, chunk.after, chunk.until)
    async with shadow.write_without_course_lock() as connection:
        await _merge(connection, [event for _, event in numbered], context, now)
    return len(numbered)


async def fold_classes(
    shadow: Database, keys: Sequence[ProgressKey], until: int, context: Context, now: datetime
) -> None:
    """Fold all events of these learners in these classes, up to the seq `until`."""
    async with shadow.read() as connection:
        events = await read_classes(connection, keys, until)
    async with shadow.write_without_course_lock() as connection:
        await _merge(connection, events, context, now)


async def _merge(connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime) -> None:
    async def some(events: Sequence[Event]) -> None:
        await learner_activity.add(connection, events)
        folded = fold(events, context.rules)
        await park(connection, folded.failures, now)
        await merge_progress(connection, folded.progress, await context.courses.courses(connection))

    async def refused(event: Event, error: DBAPIError) -> None:
        await learner_activity.add(connection, [event])
        await park(connection, [RuleFailure(event, ALL_RULES, error)], now)

    if events:
        await bisect_failures(connection, events, some, refused)
