"""`lms-progress replay`: builds what is derived anew, from the log and the course history."""

import asyncio
from concurrent.futures import Executor
from typing import Annotated

import typer

from bootstrap.composition import open_engine
from bootstrap.settings import Settings, load
from cli.console import age, echo, echo_err, phase_progress, sigterm_as_ctrl_c
from engine.replay.process_pool import forked
from engine.replay.run import replay
from engine.replay.store import MAX_WORKERS, ReplayReport, ReplayRequest
from eventstore.times import system_clock

IN_WORDS = {
    "events": "events",
    "parked": "parked",
    "signals_gained": "signals gained",
    "signals_lost": "signals lost",
    "rows_differing": "rows differing",
}


def replay_command(
    user: Annotated[str | None, typer.Option(help="Only this learner")] = None,
    course: Annotated[str | None, typer.Option(help="Only the learners of this course")] = None,
    workers: Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="How many processes do it")] = 2,
    publish: Annotated[  # noqa: FBT002
        bool, typer.Option("--publish", help="Announce the signals that come to be to other systems")
    ] = False,
) -> None:
    """Build progress, signals, XP and all counts anew, from the log and the course history.

    Needed after a rule was changed or mended, and after what signals are worth was. Servers may go on: they
    accept and answer all the while, and show what was there until the replay is done. One replay runs at a time.
    Says what is other than before. Nothing is sent to other systems, unless --publish.

    \b
    lms-progress replay
    lms-progress replay --user marie
    """
    with sigterm_as_ctrl_c():
        report = run(load(), ReplayRequest(user, course, workers, publish))
    show_report(report)


def show_report(report: ReplayReport) -> None:
    """A line for each number, and how long the oldest of what is parked waits."""
    for name, in_words in IN_WORDS.items():
        echo(f"{in_words:<16}{getattr(report, name):>10,}")
    if report.oldest_parked_at is not None:
        echo(f"oldest parked for {age(system_clock() - report.oldest_parked_at)}")
        echo_err("See why: lms-progress retry --list")


def run(settings: Settings, request: ReplayRequest) -> ReplayReport:
    """Forks before anything is open, of which each process would have a copy."""
    with forked(request.workers if request.is_of_all else 0, settings.database_url) as crew:
        return asyncio.run(run_with(crew, settings, request))


async def run_with(crew: Executor | None, settings: Settings, request: ReplayRequest) -> ReplayReport:
    async with open_engine(settings) as engine:
        with phase_progress() as watch:
            return await replay(engine.database, engine.context, engine.clock, request, watch, crew=crew)
