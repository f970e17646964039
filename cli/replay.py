"""`lms-progress replay`: builds what is derived anew, from the log and the course history."""

import asyncio
from typing import Annotated

import typer

from api.composition import open_engine
from api.settings import Settings, load
from cli.console import say, sigterm_as_ctrl_c, stages_bar
from engine.replay import replay
from engine.replay_status import MOST_WORKERS, ReplayReport, ReplayRequest

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
    workers: Annotated[int, typer.Option(min=1, max=MOST_WORKERS, help="How many processes do it")] = 2,
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
        report = asyncio.run(run(load(), ReplayRequest(user, course, workers, publish)))
    for name, number in report._asdict().items():
        say(f"{IN_WORDS[name]:<16}{number:>10,}")


async def run(settings: Settings, request: ReplayRequest) -> ReplayReport:
    async with open_engine(settings) as engine:
        with stages_bar() as watch:
            return await replay(engine.database, engine.context, engine.clock, request, watch)
