"""What processes tell each other of the mentors that they know: figures on them, and that they are to be forgotten."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from integrations import cursors
from integrations.activity.mentors import MentorFigures

FIGURES = "activity.mentors"
CLEARED = "activity.mentors.cleared"


async def clear(connection: AsyncConnection, now: datetime) -> None:
    """Has whoever monitors forget all mentors before it polls again."""
    await cursors.move(connection, CLEARED, "{}", now)


async def cleared_at(connection: AsyncConnection) -> datetime | None:
    """When that was said last."""
    found = await cursors.find(connection, CLEARED)
    return None if found is None else found.moved_at


async def keep_figures(connection: AsyncConnection, figures: MentorFigures, now: datetime) -> None:
    """Keeps the figures of the process that monitors."""
    await cursors.move(connection, FIGURES, figures.model_dump_json(), now)


async def figures(connection: AsyncConnection) -> MentorFigures:
    """Those that were kept last."""
    found = await cursors.find(connection, FIGURES)
    return MentorFigures() if found is None else MentorFigures.model_validate_json(found.position)
