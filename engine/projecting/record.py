"""Recording: append events and project them, in one transaction.

If the database rejects the batch, it is bisected down to the events that cause it, and these are parked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.parking.park import ALL_RULES, park
from engine.projecting.bisect import bisect_failures
from engine.projecting.context import Context
from engine.projecting.locks import with_fallback_shard
from engine.projecting.project import project
from eventstore.append import append
from eventstore.event import Event
from projections.fold import RuleFailure, fold
from projections.rollups import daily_counts, learner_activity
from signals.signal import Signal


class Recorded(NamedTuple):
    """The events that were new, and the new signals."""

    events: list[Event]
    signals: list[Signal]


async def record(connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime) -> Recorded:
    """Append and project `events`, whose keys must be distinct. An event that a rule fails on is parked."""
    new = await append(connection, events)
    return Recorded(new, await project_events(connection, new, context, now))


async def record_bisecting(
    connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime
) -> Recorded:
    """Record like `record`, after the database rejected the whole batch: bisect it, and park each event rejected alone.

    Raise DBAPIError if an event cannot even be appended.
    """
    context = await with_fallback_shard(connection, context)

    async def project_part(events: Sequence[Event]) -> list[Signal]:
        return await fold_and_project(connection, events, context, now)

    async def park_rejected(event: Event, error: DBAPIError) -> list[Signal]:
        await park(connection, [RuleFailure(event, ALL_RULES, error)], now)
        return []

    new = await append(connection, events)
    await lock_and_count(connection, new, context)
    parts = await bisect_failures(connection, new, project_part, park_rejected)
    return Recorded(new, [signal for part in parts for signal in part])


async def project_events(
    connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime
) -> list[Signal]:
    """Project events that are in the log, and park those that a rule fails on. Return the new signals."""
    await lock_and_count(connection, events, context)
    return await fold_and_project(connection, events, context, now)


async def fold_and_project(
    connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime
) -> list[Signal]:
    """Fold and project events whose learners are already locked and which are already counted."""
    folded = fold(events, context.rules)
    await park(connection, folded.failures, now)
    return await project(connection, folded.progress, context, now)


async def park_events(
    connection: AsyncConnection, events: Sequence[Event], error: DBAPIError, context: Context, now: datetime
) -> None:
    """Park events that are in the log, and whose projection the database rejects."""
    await lock_and_count(connection, events, context)
    await park(connection, [RuleFailure(event, ALL_RULES, error) for event in events], now)


async def lock_and_count(connection: AsyncConnection, events: Sequence[Event], context: Context) -> None:
    """Lock the events' learners, and add the events to the roll-ups."""
    await learner_activity.add(connection, events)
    await daily_counts.add(connection, events, context.shard)
