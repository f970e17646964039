"""`lms-progress consume`: consumes another system's messages from its broker, in a process of its own."""

import asyncio
import signal
from functools import partial
from typing import Annotated

import typer

from bootstrap.composition import open_inbox
from bootstrap.kafka import appender_of, forwarder_of
from bootstrap.settings import Settings, load
from bootstrap.sources import consumer_of, source_of
from cli.console import echo
from cli.operate.metrics import MetricsHost, MetricsPort, show_metrics
from cli.operate.migrate import migrate_to_current
from eventstore.errors import LmsError
from integrations.kafka.system import KAFKA


def consume_command(
    system: Annotated[str, typer.Argument(help="redis, rabbitmq or kafka")],
    *,
    ingest: Annotated[
        bool, typer.Option("--ingest", help="For kafka: append the events that servers with LMS_INGEST=kafka accepted")
    ] = False,
    notify: Annotated[
        bool, typer.Option("--notify", help="For kafka: forward events to the URLs that subscribed to their types")
    ] = False,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
) -> None:
    """Consume another system's messages until Ctrl-C or SIGTERM. The present batch is completed before.

    `serve` does this for every configured broker. Any number of processes may consume: each message goes to one of
    them, and the messages of a process that died go to another. The database is migrated to the current schema
    first.

    \b
    lms-progress consume redis
    """
    settings = load()
    show_metrics(metrics_host, metrics_port)
    asyncio.run(consume(system, settings, ingest=ingest, notify=notify))


async def consume(system: str, settings: Settings, *, ingest: bool, notify: bool) -> None:
    if (ingest or notify) and system != KAFKA.name:
        raise LmsError(f"--ingest, --notify: expected kafka, found {system}")
    if ingest and notify:
        raise LmsError("--ingest and --notify need a process each: give one of them")
    source_of(system, settings)  # an unconfigured system is refused before the database is touched
    await migrate_to_current(settings)
    async with open_inbox(settings) as inbox:
        if ingest:
            running = appender_of(settings, inbox).run
        elif notify:
            running = forwarder_of(settings, inbox).run
        else:
            running = consumer_of(system, settings, inbox).run
        echo(f"Consuming from {system}. Ctrl-C ends it.")
        await running(until_stopped())


def until_stopped() -> asyncio.Event:
    """Return an event that Ctrl-C or SIGTERM sets; a second one ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        stopping.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, partial(stop, number))
    return stopping
