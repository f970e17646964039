"""`lms-progress consume`: takes another system's messages from its broker, in a process of its own."""

import asyncio
import signal
from functools import partial
from typing import Annotated

import typer

from bootstrap.composition import open_inbox
from bootstrap.settings import Settings, load
from bootstrap.sources import appender_of, consumer_of, notifier_of, source_of
from cli.console import echo
from cli.operate.metrics import MetricsHost, MetricsPort, show_metrics
from cli.operate.migrate import migrate_to_current
from eventstore.errors import LmsError
from integrations.systems import KAFKA


def consume_command(
    system: Annotated[str, typer.Argument(help="redis, rabbitmq or kafka")],
    *,
    ingest: Annotated[
        bool, typer.Option("--ingest", help="Of kafka: append the events that servers with LMS_INGEST=kafka took")
    ] = False,
    notify: Annotated[
        bool, typer.Option("--notify", help="Of kafka: pass events on to the URLs that subscribed to their types")
    ] = False,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
) -> None:
    """Consume another system's messages until Ctrl-C or SIGTERM; the batch under way is ended before.

    `serve` does the same for every broker that is configured. Any number of processes may consume together: each
    message goes to one of them, and what one that died had in hand goes to another. The database is brought to the
    current schema first.

    \b
    lms-progress consume redis
    """
    settings = load()
    show_metrics(metrics_host, metrics_port)
    asyncio.run(consume(system, settings, ingest=ingest, notify=notify))


async def consume(system: str, settings: Settings, *, ingest: bool, notify: bool) -> None:
    if (ingest or notify) and system != KAFKA:
        raise LmsError(f"--ingest, --notify: expected kafka, found {system}")
    if ingest and notify:
        raise LmsError("--ingest, --notify: expected one of them, found both: each is a process of its own")
    source_of(system, settings)  # what cannot be consumed is refused before the database is touched
    await migrate_to_current(settings)
    async with open_inbox(settings) as inbox:
        if ingest:
            running = appender_of(settings, inbox).run
        elif notify:
            running = notifier_of(settings, inbox).run
        else:
            running = consumer_of(system, settings, inbox).run
        echo(f"Consuming from {system}. Ctrl-C ends it.")
        await running(until_stopped())


def until_stopped() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM; a second one ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        stopping.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, partial(stop, number))
    return stopping
