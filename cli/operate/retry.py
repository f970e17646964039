"""`lms-progress retry`: retries parked events, or lists them."""

import asyncio
from typing import Annotated

import typer

from bootstrap.composition import open_database, open_engine
from bootstrap.settings import Settings, load
from cli.console import echo, echo_err, show
from engine.parking.retry import RetryResult, retry_all
from projections.tables import RetryStatus
from views import retry_list
from views.retry_list import RetryItem

SHOWN = 100


def retry_command(
    list_only: Annotated[bool, typer.Option("--list", help="Only list parked events, with the reasons")] = False,  # noqa: FBT002
    dead: Annotated[bool, typer.Option("--dead", help="Dead ones, too; with --list, only these")] = False,  # noqa: FBT002
) -> None:
    """Retry all parked events now, due or not. The exit code is 1 if any failed again.

    The server retries each event by itself when it is due: after 10 s, 1 min and 6 min. An event that failed
    three times is dead, and stays until --dead retries it.

    \b
    lms-progress retry
    lms-progress retry --list --dead
    """
    if list_only:
        return show_parked(asyncio.run(read_parked(load(), dead=dead)))
    done = asyncio.run(retry(load(), dead=dead))
    echo(f"succeeded {done.succeeded:>8,}")
    echo(f"failed    {done.failed:>8,}")
    if done.failed:
        echo_err("See why: lms-progress retry --list")
        raise typer.Exit(1)
    return None


async def retry(settings: Settings, *, dead: bool) -> RetryResult:
    async with open_engine(settings) as engine:
        return await retry_all(engine.database, engine.context, engine.clock, dead=dead)


async def read_parked(settings: Settings, *, dead: bool) -> list[RetryItem]:
    status = RetryStatus.DEAD if dead else None
    async with open_database(settings) as database, database.read() as connection:
        return (await retry_list.read(connection, SHOWN, status=status)).items


def show_parked(items: list[RetryItem]) -> None:
    """Print one row each, with the last line of the error; the API has the traceback."""
    rows = [
        (item.retry_id, item.user_id, item.event_id, item.rule, item.status, item.attempts, last_line(item.last_error))
        for item in items
    ]
    show("id", "learner", "event", "rule", "status", "attempts", "error", rows=rows, numbers=("attempts",))


def last_line(error: str) -> str:
    return error.strip().rpartition("\n")[2]
