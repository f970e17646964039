"""`lms-progress stats`: the state of the service on one screen."""

import asyncio
from datetime import datetime
from typing import NamedTuple

from bootstrap.composition import open_database
from bootstrap.settings import Settings, load
from cli.console import age, echo, show
from cli.operate.activity_stats import Figures, read_figures, show_activities
from eventstore.times import system_clock
from integrations.views import backlogs
from projections.tables import RetryStatus
from views import exports, operational_stats
from views.event_daily_stats import DailyStats
from views.operational_stats import Backlog


class Stats(NamedTuple):
    """The numbers on the screen, from one transaction."""

    database: str
    events: int
    learners: int
    signals: dict[str, int]
    days: list[DailyStats]
    waiting: dict[str, Backlog]
    activities: Figures


def stats_command() -> None:
    """Show how much is stored, what arrived on the last days, and what waits.

    Waiting are events that could not be projected (they are retried; dead ones are not), messages of other systems
    that name something unknown (they are translated again when a course is published, the mapping file changes or
    the named thing arrives), and deliveries to other systems that have not arrived.
    """
    stats = asyncio.run(read_stats(load()))
    echo(f"Database  {stats.database}, at the current schema\n")
    show_totals(stats)
    show_days(stats)
    show_backlog(stats, system_clock())
    if stats.activities.activities.total_events:
        echo("")
        show_activities(stats.activities)


async def read_stats(settings: Settings) -> Stats:
    """Read all numbers. Raise LmsError for a database that is not at the current schema."""
    async with open_database(settings) as database, database.read() as connection:
        retries = await operational_stats.retries(connection)
        waiting = {f"{status} events": retries.get(status, operational_stats.NOTHING) for status in RetryStatus}
        return Stats(
            database=database.name,
            events=await exports.count(connection, exports.EVENTS),
            learners=await operational_stats.learners(connection),
            signals=await operational_stats.signals(connection),
            days=await operational_stats.last_days(connection),
            waiting=waiting
            | parked_messages(await backlogs.messages(connection))
            | unsent(await backlogs.deliveries(connection)),
            activities=await read_figures(connection),
        )


def parked_messages(by_source: dict[str, Backlog]) -> dict[str, Backlog]:
    """Return a line for each source, or one line if there is none."""
    lines = {f"parked messages of {source}": waiting for source, waiting in by_source.items()}
    return lines or {"parked messages": operational_stats.NOTHING}


def unsent(by_sink: dict[tuple[str, str], Backlog]) -> dict[str, Backlog]:
    """Return a line for each status and sink."""
    return {f"{status} deliveries to {sink}": waiting for (status, sink), waiting in by_sink.items()}


def show_totals(stats: Stats) -> None:
    rows = [("events", stats.events), ("learners", stats.learners), *stats.signals.items()]
    show("Total", "", rows=[(name, f"{number:,}") for name, number in rows], numbers=("",))
    echo("")


def show_days(stats: Stats) -> None:
    rows = [(day.day, day.type, f"{day.events:,}") for day in stats.days]
    show("Day (UTC)", "Type", "Events", rows=rows or [("none yet", "", "")], numbers=("Events",))
    echo("")


def show_backlog(stats: Stats, now: datetime) -> None:
    rows = [
        (name, f"{waiting.number:,}", age(now - waiting.oldest) if waiting.oldest else "")
        for name, waiting in stats.waiting.items()
    ]
    show("Waiting", "Number", "Oldest", rows=rows, numbers=("Number",))
