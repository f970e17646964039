"""The daily counts compared with the log, and their repair.

They belong to no learner, so one statement compares them, and they are repaired while nobody appends.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time

from sqlalchemy import Integer, Text, bindparam, cast, column, delete, func, null, select, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.context import Context
from engine.verify.expected_rows import Rows
from engine.verify.table_diff import Difference, compare, differences
from eventstore.db import UtcTime, insert, utc_day
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_event
from projections.tables import lms_event_daily
from views.event_daily_stats import v_event_daily_stats

DAILY = v_event_daily_stats.name

_e = lms_event.c
_d = lms_event_daily.c
_v = v_event_daily_stats.c

_day = utc_day(_e.occurred_at)
_none = cast(null(), Integer)
_logged = select(_day.label("day"), _e.type, func.count().label("logged"), _none.label("counted")).group_by(
    _day, _e.type
)
_both = _logged.union_all(select(_v.day, _v.type, _none, _v.events)).subquery().c
_logged_sum, _counted_sum = func.sum(_both.logged), func.sum(_both.counted)

SELECT_DIFFERING = (
    select(type_coerce(_both.day, Text), _both.type, _logged_sum.label("logged"), _counted_sum.label("counted"))
    .group_by(_both.day, _both.type)
    .having(_logged_sum.is_distinct_from(_counted_sum))
)
"""The days and types whose count differs from the log's number of events; NULL where the log has none."""

_days = json_rows("days", _d.day, _d.type, column("since", UtcTime), column("until", UtcTime))

DELETE_DAYS = delete(lms_event_daily).where(tuple_(_d.day, _d.type).in_(select(_days.c.day, _days.c.type)))
"""Deletes the counts of some days and types."""

_events = (
    select(func.count())
    .where(_e.type == _days.c.type, _e.occurred_at >= _days.c.since, _e.occurred_at <= _days.c.until)
    .scalar_subquery()
)
_counts = select(_days.c.day, _days.c.type, bindparam("shard", type_=Integer), _events.label("events")).subquery()
COUNT_DAYS = insert(lms_event_daily).from_select(
    ["day", "type", "shard", "events"], select(_counts).where(_counts.c.events > 0)
)
"""Counts the log's events of some days and types."""


async def daily_differences(connection: AsyncConnection) -> list[Difference]:
    """Return where v_event_daily_stats differs from the log."""
    rows = (await connection.execute(SELECT_DIFFERING)).all()
    expected: Rows = {(str(row.day), row.type): (row.logged,) for row in rows if row.logged is not None}
    found: Rows = {(str(row.day), row.type): (row.counted,) for row in rows if row.counted is not None}
    return list(differences(DAILY, ["events"], compare(expected, found)))


async def repair_daily(database: Database, context: Context) -> int:
    """Count the days and types again that differ from the log. Return their number."""
    async with database.read() as connection:
        differing = [difference.key for difference in await daily_differences(connection)]
    if differing:
        async with database.write_exclusive() as connection:
            await connection.execute(DELETE_DAYS, {"days": list(day_ranges(differing))})
            await connection.execute(COUNT_DAYS, {"days": list(day_ranges(differing)), "shard": context.shard})
    return len(differing)


def day_ranges(differing: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, str, datetime | None, datetime | None]]:
    """Return each day and type with the first and the last instant of the day, or None where nothing occurred."""
    for day, kind in differing:
        yield (day, kind, *span(day))


def span(day: str) -> tuple[datetime, datetime] | tuple[None, None]:
    """Return the first and the last instant of a day in UTC, or None for a text that is no day."""
    with suppress(ValueError):
        on = date.fromisoformat(day)
        if on.isoformat() == day:
            return datetime.combine(on, time.min, UTC), datetime.combine(on, time.max, UTC)
    return None, None
