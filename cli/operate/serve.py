"""`lms-progress serve`: the HTTP server. It migrates the database to the current schema, then serves."""

import asyncio
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from typing import Annotated

import typer

from bootstrap.composition import check_mapping_file, open_engine
from bootstrap.keys import list_all
from bootstrap.monitoring import check_monitoring
from bootstrap.settings import Settings, load
from cli.console import echo, sigterm_as_ctrl_c
from cli.demo import simulate
from cli.operate.listening import ReusePortSockets, listen, print_address
from cli.operate.migrate import migrate_to_current
from cli.operate.supervisor import ServerProcesses
from eventstore.db import has_one_writer
from eventstore.db.database import Database
from eventstore.errors import LmsError
from integrations.platform_monitor.settings import MonitorSettings

MAX_WORKERS = 64


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free one")] = 8000,
    dev: Annotated[bool, typer.Option("--dev", help="Require no keys; only for loopback addresses")] = False,  # noqa: FBT002
    demo: Annotated[  # noqa: FBT002
        bool, typer.Option("--demo", help="Fill an empty database with a sample course and simulated learners")
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, max=MAX_WORKERS, help="The number of processes; more than one only on PostgreSQL")
    ] = 1,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM. Accepted events are written before it ends."""
    settings = load()
    if dev and not is_loopback(host):
        raise LmsError(f"--host: expected a loopback address such as 127.0.0.1 with --dev, found {host}")
    if workers > 1 and has_one_writer(Database(settings.database_url).engine.dialect):
        raise LmsError(
            "--workers: expected 1 on SQLite, whose file takes one writer at a time, "
            f"found {workers}: use PostgreSQL for more"
        )
    with suppress(KeyboardInterrupt), sigterm_as_ctrl_c():
        asyncio.run(prepare(settings, dev=dev, demo=demo))
        if workers > 1:
            shares = ReusePortSockets(host, port, workers)
            ServerProcesses(settings, shares, partial(print_address, shares.address), dev=dev).run()
        else:
            from cli.operate.server import Server

            sockets = listen(host, port)
            Server(settings, partial(print_address, sockets[0].getsockname()[:2]), dev=dev).run(sockets)


async def prepare(settings: Settings, *, dev: bool, demo: bool) -> None:
    """Check everything that can go wrong before serving, so that it is one line and not in a server's log."""
    if settings.of(MonitorSettings).activity_monitor_enabled:
        check_monitoring(settings)
    check_mapping_file(settings)
    await migrate_to_current(settings)
    async with open_engine(settings) as engine:
        echo(f"The database is {engine.database.name}")
        if demo and await simulate(engine):
            echo("The database was empty: it has a sample course with simulated learners now.")
        async with engine.database.read() as connection:
            keys = await list_all(connection)
    if not dev and not keys:
        echo("There is no API key yet. Create one: lms-progress key create NAME --scope ingest --scope read")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to that address."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
