"""Printing the statistics of the monitored platform, for `stats` and `monitor --stats`."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from cli.console import show
from integrations.contracts.notification import TOLD_OF
from integrations.platform_monitor import store
from integrations.platform_monitor.mentor_cache import MentorFigures
from integrations.views import activity_stats
from integrations.views.activity_stats import ActivityStats


class Figures(NamedTuple):
    """The statistics of activities and of mentors."""

    activities: ActivityStats
    mentors: MentorFigures


async def read_figures(connection: AsyncConnection) -> Figures:
    """Read the present statistics."""
    return Figures(await activity_stats.totals(connection, TOLD_OF), await store.figures(connection))


def show_activities(figures: Figures) -> None:
    """Print the statistics of activities, under the names that the API uses."""
    rows = [(name, f"{number:,}") for name, number in figures.activities]
    show("Activities", "", rows=rows, numbers=("",))


def show_mentors(figures: Figures) -> None:
    """Print the statistics of mentors, of the process that polled last."""
    rows = [(name, f"{number:,}") for name, number in figures.mentors]
    show("Mentors known", "", rows=rows, numbers=("",))
