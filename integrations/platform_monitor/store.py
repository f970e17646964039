"""Activities in the database: who did what and when, each with its message in the inbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from integrations.platform_monitor.mentor_cache import MentorFigures
from integrations.runtime import cursors
from integrations.tables import lms_activity


class ActivityRow(NamedTuple):
    """A row of `lms_activity`, less when a mentor was told of it. Times UTC."""

    user_id: str
    message_id: str
    type: str
    occurred_at: datetime
    noticed_at: datetime


_columns = [lms_activity.c[name] for name in ActivityRow._fields]
_rows = json_rows("rows", *_columns)
INSERT = (
    insert(lms_activity)
    .from_select(
        [c.name for c in _columns], select(*_rows.c).where(true()).order_by(_rows.c.user_id, _rows.c.message_id)
    )
    .on_conflict_do_nothing()
)
"""Keeps activities, each once."""


async def save_activities(connection: AsyncConnection, rows: Sequence[ActivityRow]) -> None:
    """Keeps activities."""
    if rows:
        await connection.execute(INSERT, {"rows": rows})


FIGURES = "activity.mentors"
CLEARED = "activity.mentors.cleared"


async def clear(connection: AsyncConnection, now: datetime) -> None:
    """Has whoever monitors forget all mentors before it polls again."""
    await cursors.advance(connection, CLEARED, "{}", now)


async def cleared_at(connection: AsyncConnection) -> datetime | None:
    """When that was said last."""
    found = await cursors.find(connection, CLEARED)
    return None if found is None else found.moved_at


async def save_stats(connection: AsyncConnection, figures: MentorFigures, now: datetime) -> None:
    """Keeps the figures of the process that monitors."""
    await cursors.advance(connection, FIGURES, figures.model_dump_json(), now)


async def figures(connection: AsyncConnection) -> MentorFigures:
    """Those that were kept last."""
    found = await cursors.find(connection, FIGURES)
    return MentorFigures() if found is None else MentorFigures.model_validate_json(found.position)
