"""All that is derived from the log and the course history, as plain rows, to compare one database with another.

What legitimately differs is left out: when things were recorded, and which process counted them.
"""

from typing import Any

from sqlalchemy import FromClause, func, select

from eventstore.db.database import Database
from projections.tables import lms_learner, lms_progress, lms_xp, lms_xp_histogram
from signals.tables import lms_signal
from views.event_daily_stats import v_event_daily_stats

_h = lms_xp_histogram.c
_learners = func.sum(_h.learners)
HISTOGRAM = (
    select(_h.course_id, _h.period, _h.xp, _learners.label("learners"))
    .group_by(_h.course_id, _h.period, _h.xp)
    .having(_learners != 0)
    .subquery(lms_xp_histogram.name)
)
"""The histogram over all shards, less what it only has a 0 for."""

DERIVED: tuple[FromClause, ...] = (lms_progress, lms_signal, lms_xp, lms_learner, v_event_daily_stats, HISTOGRAM)


async def derived(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each derived table by its name, all columns, sorted: equal for equal facts."""
    async with database.read() as connection:
        return {
            str(source.description): sorted((tuple(row) for row in await connection.execute(select(source))), key=repr)
            for source in DERIVED
        }


Rows = dict[str, list[tuple[Any, ...]]]
