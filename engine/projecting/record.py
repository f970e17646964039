"""Recording: the one transaction that appends events and projects them, whole or not at all.

If the database refuses something for what it is, the batch is narrowed down to the event that causes it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.parking.park import ALL_RULES, park
from engine.projecting.bisect import bisect_failures
from engine.projecting.locks import with_fallback_shard
from engine.projecting.project import Context, project
from eventstore.append import append
from eventstore.event import Event
from projections.fold import RuleFailure, fold
from signals.signal import Signal
from views import event_daily_stats, user_activity


class Recorded(NamedTuple):
    """The events that were new, and the signals that are."""

    events: list[Event]
    signals: list[Signal]


async def record(connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime) -> Recorded:
    """Appends and projects `events`, whose keys differ among themselves. What a rule cannot take is parked."""
    new = await append(connection, events)
    return Recorded(new, await project_events(connection, new, context, now))


async def record_bisecting(
    connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime
) -> Recorded:
    """As `record`, when the database has refused the whole: by halves, down to the events it refuses.

    Those are parked without being projected. Raises DBAPIError for one that it will not even append.
    """
    context = await with_fallback_shard(connection, context)

    async def some(events: Sequence[Event]) -> list[Signal]:
        return await fold_and_project(connection, events, context, now)

    async def refused(event: Event, error: DBAPIError) -> list[Signal]:
        await park(connection, [RuleFailure(event, ALL_RULES, error)], now)
        return []

    new = await append(connection, events)
    await lock_and_count(connection, new, context)
    parts = await bisect_failures(connection, new, some, refused)
    return Recorded(new, [signal for part in parts for signal in part])


async def project_events(
    connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime
) -> list[Signal]:
    """Projects events that the log has, and parks what a rule cannot take. The signals that are new."""
    await lock_and_count(connection, events, context)
    return await fold_and_project(connection, events, context, now)


async def fold_and_project(
    connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime
) -> list[Signal]:
    """As `take_in`, of events that are counted already, whose learners are locked with that."""
    folded = fold(events)
    await park(connection, folded.failures, now)
    return await project(connection, folded.progress, context, now)


async def park_events(
    connection: AsyncConnection, events: Sequence[Event], error: DBAPIError, context: Context, now: datetime
) -> None:
    """Parks events that the log has and the database will not have projected."""
    await lock_and_count(connection, events, context)
    await park(connection, [RuleFailure(event, ALL_RULES, error) for event in events], now)


async def lock_and_count(connection: AsyncConnection, events: Sequence[Event], context: Context) -> None:
    """Locks the events' learners, and counts the events into the roll-ups."""
    await user_activity.record(connection, events)
    await event_daily_stats.record(connection, events, context.shard)
