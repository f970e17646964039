"""`lms-progress monitor`: polls a learning platform's database, in a process of its own."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import typer

from bootstrap.composition import open_database, open_inbox
from bootstrap.monitoring import check_monitoring, open_monitor
from bootstrap.settings import Settings, load
from bootstrap.sinks import make_relay
from cli.console import echo
from cli.operate.activity_stats import Figures, read_figures, show_activities, show_mentors
from cli.operate.consume import until_stopped
from cli.operate.migrate import migrate_to_current
from eventstore.errors import LmsError
from eventstore.times import system_clock
from integrations.contracts.activity import SOURCE
from integrations.inbound.inbox import Inbox
from integrations.notifications.settings import NotificationSettings
from integrations.outbound.relay import Relay
from integrations.platform_monitor import store
from integrations.platform_monitor.queries import PAGE
from integrations.runtime.leader import in_background
from integrations.webhook.system import WebhookSettings

OURS = "integrations"
"""The logger whose lines are shown. Lines of libraries may contain addresses and other private data."""


def monitor_command(
    interval: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds between two polls; LMS_ACTIVITY_POLL_INTERVAL if not given")
    ] = None,
    *,
    daemon: Annotated[bool, typer.Option("--daemon", help="Poll until stopped; this is the default")] = False,
    once: Annotated[bool, typer.Option("--once", help="Poll once, send what is due, then end")] = False,
    process_pending: Annotated[
        bool, typer.Option("--process-pending", help="Process parked activities again, then end")
    ] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Show the statistics of activities, then end")] = False,
    clear_mentors: Annotated[
        bool, typer.Option("--clear-mentors", help="Make the monitor reload which mentors each student has, then end")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log the findings of each poll")] = False,
) -> None:
    """Poll the database of a learning platform for what students do, until Ctrl-C or SIGTERM.

    `serve` does this if LMS_ACTIVITY_MONITOR_ENABLED is set. Any number of processes may run: one at a time polls, and
    another takes over within seconds if it dies. If mentors are notified, it also sends what is due, unless another
    process relays. The database is migrated to the current schema first.

    \b
    lms-progress monitor --once
    """
    settings = load()
    if verbose:
        log_polls()
    if sum((daemon, once, process_pending, stats, clear_mentors)) > 1:
        raise LmsError("only one of --daemon, --once, --process-pending, --stats and --clear-mentors is allowed")
    if stats:
        return show_figures(asyncio.run(figures_of(settings)))
    check_monitoring(settings)  # a missing configuration is refused before the database is touched
    gc.set_threshold(10 * PAGE)  # a smaller threshold would scan every page many times, for nothing
    if process_pending:
        asyncio.run(retry_pending(settings))
    elif clear_mentors:
        asyncio.run(clear(settings))
    elif once:
        asyncio.run(poll_once(settings))
    else:
        asyncio.run(poll_forever(settings, interval))
    return None


async def figures_of(settings: Settings) -> Figures:
    async with open_database(settings) as database, database.read() as connection:
        return await read_figures(connection)


def show_figures(figures: Figures) -> None:
    show_activities(figures)
    echo("")
    show_mentors(figures)


def log_polls() -> None:
    """Show our log lines of each poll, with the time."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger(OURS)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)


async def retry_pending(settings: Settings) -> None:
    await migrate_to_current(settings)
    async with open_inbox(settings) as inbox:
        retried = await inbox.retry_parked(SOURCE)
    echo(f"done   {retried.done:>8,}")
    echo(f"parked {retried.parked:>8,}")


async def clear(settings: Settings) -> None:
    await migrate_to_current(settings)
    async with open_database(settings) as database, database.write_without_course_lock() as connection:
        await store.clear(connection, system_clock())
    echo("The next poll reloads which mentors each student has.")


async def poll_once(settings: Settings) -> None:
    """Poll, and send what is due if mentors are notified. Another process that relays sends it instead."""
    await migrate_to_current(settings)
    async with open_inbox(settings) as inbox, open_monitor(settings, inbox) as monitor:
        taken = await monitor.once(until_stopped())
        echo(f"rows read      {taken.rows:>8,}")
        echo(f"new activities {taken.new:>8,}")
        if settings.of(NotificationSettings).notify_mentors_enabled:
            with suppress(LmsError):
                await relay_of(settings, inbox).once()


async def poll_forever(settings: Settings, interval: float | None) -> None:
    await migrate_to_current(settings)
    stopping = until_stopped()
    async with (
        open_inbox(settings) as inbox,
        open_monitor(settings, inbox, interval) as monitor,
        relaying(settings, inbox),
        in_background(monitor.run),
    ):
        echo("Monitoring. Ctrl-C ends it.")
        await stopping.wait()


@asynccontextmanager
async def relaying(settings: Settings, inbox: Inbox) -> AsyncIterator[None]:
    """Relay while the block runs, if mentors are notified."""
    if not settings.of(NotificationSettings).notify_mentors_enabled:
        yield
        return
    async with in_background(relay_of(settings, inbox).run):
        yield


def relay_of(settings: Settings, inbox: Inbox) -> Relay:
    return make_relay(settings, inbox, private_webhooks=settings.of(WebhookSettings).webhook_private)
