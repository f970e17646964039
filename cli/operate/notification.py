"""`lms-progress notification …`: summaries for mentors, and failed notifications."""

import asyncio
from typing import Annotated

import typer

from bootstrap.composition import open_database
from bootstrap.settings import Settings, load
from bootstrap.sinks import check_notifying
from cli.console import echo, show
from eventstore.times import system_clock
from integrations.contracts.notification import NOTIFIED
from integrations.notifications.summaries import queue_summaries
from integrations.notifications.summary import Period
from integrations.outbound import deliveries
from integrations.views import failed_notifications
from integrations.views.failed_notifications import FailedNotification

SHOWN = 100

app = typer.Typer(help="Notifications of mentors: summaries, and failed notifications.", no_args_is_help=True)


@app.command("summary")
def summary_command(
    period: Annotated[Period, typer.Option("--period", help="The UTC day up to now, or the last full hour")],
) -> None:
    """Queue a summary for every mentor whose students did something in the period.

    The relay sends it, once per mentor and period: a second one of the same day or hour is not sent.

    \b
    lms-progress notification summary --period today
    """
    echo(f"mentors {asyncio.run(queue(load(), period)):>8,}")


async def queue(settings: Settings, period: Period) -> int:
    check_notifying(settings)
    async with open_database(settings) as database:
        return await queue_summaries(database, period, system_clock())


@app.command("failed")
def failed_command() -> None:
    """Show the failed notifications: the activity, the student, the mentor, and the reason.

    Dead ones are not sent again by themselves; the others are.

    \b
    lms-progress notification failed
    """
    show_failed(asyncio.run(read_failed(load())))


@app.command("retry")
def retry_command() -> None:
    """Send failed notifications again at once, as if for the first time, also dead ones. The relay sends them."""
    echo(f"retried {asyncio.run(retry(load())):>8,}")


async def read_failed(settings: Settings) -> list[FailedNotification]:
    async with open_database(settings) as database, database.read() as connection:
        return (await failed_notifications.read(connection, NOTIFIED, SHOWN)).items


def show_failed(items: list[FailedNotification]) -> None:
    rows = [
        (
            item.activity or item.type,
            item.user_id or "",
            item.mentor_id,
            item.sink,
            item.status,
            item.attempts,
            item.last_error,
        )
        for item in items
    ]
    show("activity", "student", "mentor", "sink", "status", "attempts", "error", rows=rows, numbers=("attempts",))


async def retry(settings: Settings) -> int:
    async with open_database(settings) as database, database.write_without_course_lock() as connection:
        return await deliveries.retry(connection, {}, system_clock(), NOTIFIED)
