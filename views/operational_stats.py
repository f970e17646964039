"""Operational statistics: how much is stored, and how long parked events wait."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.tables import lms_learner, lms_retry
from signals.tables import lms_signal
from views.event_daily_stats import DailyStats, v_event_daily_stats
from views.page import row_to_model

DAYS = 7

_d = v_event_daily_stats.c
_last_days = select(_d.day).distinct().order_by(_d.day.desc()).limit(DAYS)

SELECT_LAST_DAYS = select(v_event_daily_stats).where(_d.day.in_(_last_days)).order_by(_d.day.desc(), _d.type)
"""Events by type on the last days that have any."""

COUNT_LEARNERS = select(func.count()).select_from(lms_learner)
"""The number of learners."""

SELECT_SIGNAL_COUNTS = (
    select(lms_signal.c.type, func.count().label("signals")).group_by(lms_signal.c.type).order_by(lms_signal.c.type)
)
"""The number of signals of each type."""

SELECT_RETRIES = (
    select(lms_retry.c.status, func.count(), func.min(lms_retry.c.parked_at))
    .group_by(lms_retry.c.status)
    .order_by(lms_retry.c.status)
)
"""Parked events by status, and when the oldest of each was parked."""


class Backlog(NamedTuple):
    """The number of waiting items, and since when the oldest waits; None if there are none."""

    number: int
    oldest: datetime | None


NOTHING = Backlog(0, None)


async def last_days(connection: AsyncConnection) -> list[DailyStats]:
    """Return the events by type on the last 7 days that have any, the newest day first."""
    return list(map(row_to_model(DailyStats), await connection.execute(SELECT_LAST_DAYS)))


async def learners(connection: AsyncConnection) -> int:
    """Return the number of learners."""
    return (await connection.execute(COUNT_LEARNERS)).scalar_one()


async def signals(connection: AsyncConnection) -> dict[str, int]:
    """Return the number of signals of each type that has any."""
    return {row.type: row.signals for row in await connection.execute(SELECT_SIGNAL_COUNTS)}


async def retries(connection: AsyncConnection) -> dict[str, Backlog]:
    """Return the parked events by status."""
    rows = await connection.execute(SELECT_RETRIES)
    return {status: Backlog(number, oldest) for status, number, oldest in rows}
