"""`lms-progress notification …`: what mentors are told besides each activity."""

import asyncio
from typing import Annotated

import typer

from api.composition import open_database
from api.settings import Settings, load
from api.sinks import check_notifying
from cli.console import say
from eventstore.times import system_clock
from integrations.notifications.summaries import queue_summaries
from integrations.notifications.summary import Period

app = typer.Typer(help="Notifications: tell mentors what their students did over a period.", no_args_is_help=True)


@app.command("summary")
def summary_command(
    period: Annotated[Period, typer.Option("--period", help="The UTC day up to now, or the last full hour")],
) -> None:
    """Queue a summary for every mentor whose students did something in the period.

    It is sent by the relay, as all notifications are, and once for each mentor and period: a second one of the same
    day or hour is not sent.

    \b
    lms-progress notification summary --period today
    """
    say(f"mentors {asyncio.run(queue(load(), period)):>8,}")


async def queue(settings: Settings, period: Period) -> int:
    check_notifying(settings)
    async with open_database(settings) as database:
        return await queue_summaries(database, period, system_clock())
