"""`lms-progress replay`: rebuilds everything that is derived from the log and the course history."""

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
    workers: Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="The number of processes")] = 2,
    publish: Annotated[  # noqa: FBT002
        bool, typer.Option("--publish", help="Announce newly derived signals to other systems")
    ] = False,
) -> None:
    """Rebuild progress, signals, XP and all counts from the log and the course history.

    Run it after you change a rule or the XP settings. Servers continue to accept events and to answer, and show
    the old rows until the replay is done. Only one replay runs at a time. It prints what changed. Nothing is sent
    to other systems without --publish.

    \b
    lms-progress replay
    lms-progress replay --user marie
    """
    with sigterm_as_ctrl_c():
        report = run(load(), ReplayRequest(user, course, workers, publish))
    show_report(report)


def show_report(report: ReplayReport) -> None:
    """Print a line for each number, and how long the oldest parked event waits."""
    for name, in_words in IN_WORDS.items():
        echo(f"{in_words:<16}{getattr(report, name):>10,}")
    if report.oldest_parked_at is not None:
        echo(f"oldest parked for {age(system_clock() - report.oldest_parked_at)}")
        echo_err("See why: lms-progress retry --list")


def run(settings: Settings, request: ReplayRequest) -> ReplayReport:
    """Fork the workers before anything is open, since each would have a copy of it."""
    with forked(request.workers if request.is_of_all else 0, settings.database_url) as crew:
        return asyncio.run(run_with(crew, settings, request))


async def run_with(crew: Executor | None, settings: Settings, request: ReplayRequest) -> ReplayReport:
    async with open_engine(settings) as engine:
        with phase_progress() as watch:
            return await replay(engine.database, engine.context, engine.clock, request, watch, crew=crew)
