"""Recording: the one transaction that appends events and projects them, whole or not at all.

If the database refuses something for what it is, the batch is narrowed down to the event that causes it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.park import EVERY_RULE, park
from engine.project import Context, project
from eventstore.append import append
from eventstore.dialects import is_transient
from eventstore.event import Event
from projections.fold import Failure, fold
from signals.signal import Signal
from views import event_daily_stats, user_activity


class Recorded(NamedTuple):
    """The events that were new, and the signals that are."""

    events: list[Event]
    signals: list[Signal]


async def record(connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime) -> Recorded:
    """Appends and projects `events`, whose keys differ among themselves. What a rule cannot take is parked."""
    new = await append_and_count(connection, events, context)
    folded = fold(new)
    await park(connection, folded.failures, now)
    return Recorded(new, await project(connection, folded.progress, context, now))


async def record_carefully(
    connection: AsyncConnection, events: Sequence[Event], context: Context, now: datetime
) -> Recorded:
    """As `record`, when the database has refused the whole: by halves, down to the events it refuses.

    Those are parked without being projected. Raises DBAPIError for one that it will not even append.
    """
    try:
        async with connection.begin_nested():
            return await record(connection, events, context, now)
    except DBAPIError as error:
        if is_transient(error):
            raise
        if len(events) == 1:
            return await append_and_park(connection, events[0], error, context, now)
    half = len(events) // 2
    first = await record_carefully(connection, events[:half], context, now)
    second = await record_carefully(connection, events[half:], context, now)
    return Recorded(first.events + second.events, first.signals + second.signals)


async def append_and_count(connection: AsyncConnection, events: Sequence[Event], context: Context) -> list[Event]:
    """Appends; then locks the learners and counts what was new into the roll-ups of events."""
    new = await append(connection, events)
    await user_activity.record(connection, new)
    await event_daily_stats.record(connection, new, context.shard)
    return new


async def append_and_park(
    connection: AsyncConnection, event: Event, error: DBAPIError, context: Context, now: datetime
) -> Recorded:
    new = await append_and_count(connection, [event], context)
    await park(connection, [Failure(event, EVERY_RULE, error) for event in new], now)
    return Recorded(new, [])
