"""All that is derived from the log and the course history, as plain rows, to compare one database with another.

What legitimately differs is left out: when things were recorded, and which process counted them.
"""

from typing import Any

from sqlalchemy import FromClause, select

from eventstore.database import Database
from eventstore.tables import lms_learner, lms_progress, lms_signal, lms_xp
from views.event_daily_stats import v_event_daily_stats

DERIVED: tuple[FromClause, ...] = (lms_progress, lms_signal, lms_xp, lms_learner, v_event_daily_stats)


async def derived(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each derived table by its name, all columns, sorted: equal for equal facts."""
    async with database.read() as connection:
        return {
            str(source.description): sorted((tuple(row) for row in await connection.execute(select(source))), key=repr)
            for source in DERIVED
        }
