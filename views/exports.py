"""Exports: every row of the log, of progress and of signals, each in a stable order."""

from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.read import SELECT_LOG
from projections.tables import lms_progress
from signals.tables import lms_signal
from views.event_daily_stats import v_event_daily_stats
from views.user_progress import v_user_progress

_p = v_user_progress.c
_s = lms_signal.c

SELECT_PROGRESS = select(v_user_progress).order_by(_p.user_id, _p.class_id)
"""All rows of v_user_progress, by learner and class."""

SELECT_SIGNALS = select(lms_signal).order_by(_s.user_id, _s.signal_id)
"""All signals, by learner and id."""

COUNT_EVENTS = select(func.coalesce(func.sum(v_event_daily_stats.c.events), 0))
"""The number of events, by the roll-up of days."""

COUNT_PROGRESS = select(func.count()).select_from(lms_progress)
"""The number of rows of v_user_progress."""

COUNT_SIGNALS = select(func.count()).select_from(lms_signal)
"""The number of signals."""


class Export(NamedTuple):
    """An export: its rows, and their number."""

    rows: Select[Any]
    size: Select[int]


EVENTS = Export(SELECT_LOG, COUNT_EVENTS)
PROGRESS = Export(SELECT_PROGRESS, COUNT_PROGRESS)
SIGNALS = Export(SELECT_SIGNALS, COUNT_SIGNALS)


async def count(connection: AsyncConnection, whole: Export) -> int:
    """Return the number of rows of an export."""
    return (await connection.execute(whole.size)).scalar_one()
