"""`lms-progress relay`: sends messages to other systems, in a process of its own."""

import asyncio
from typing import Annotated

import typer

from bootstrap.composition import open_inbox
from bootstrap.settings import Settings, load
from bootstrap.sinks import make_relay
from cli.console import echo, echo_err
from cli.operate.consume import until_stopped
from cli.operate.metrics import MetricsHost, MetricsPort, show_metrics
from cli.operate.migrate import migrate_to_current
from integrations.outbound.relay import Relay
from integrations.outbound.sender import SendCounts
from integrations.runtime.leader import in_background
from integrations.webhook.system import WebhookSettings


def relay_command(
    once: Annotated[  # noqa: FBT002
        bool, typer.Option("--once", help="Send what is due, then end; with 1 if any of it failed")
    ] = False,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
) -> None:
    """Send messages to every configured broker and to every subscribed URL, until Ctrl-C or SIGTERM.

    `serve` does this by itself. Any number of processes may run: one at a time sends, and another takes over within
    seconds if it dies. All processes need the same settings. The database is migrated to the current schema first.

    \b
    lms-progress relay --once
    """
    settings = load()
    show_metrics(metrics_host, metrics_port)
    sent = asyncio.run(relay(settings, once=once))
    if sent is not None:
        echo(f"delivered {sent.delivered:>8,}")
        echo(f"failed    {sent.failed:>8,}")
        if sent.failed:
            echo_err("Failed deliveries are retried later; GET /v1/deliveries has the reasons.")
            raise typer.Exit(1)


async def relay(settings: Settings, *, once: bool) -> SendCounts | None:
    await migrate_to_current(settings)
    async with open_inbox(settings) as inbox:
        made = make_relay(settings, inbox, private_webhooks=settings.of(WebhookSettings).webhook_private)
        if once:
            return await made.once()
        await relay_forever(made)
    return None


async def relay_forever(made: Relay) -> None:
    stopping = until_stopped()
    async with in_background(made.run):
        echo("Relaying. Ctrl-C ends it.")
        await stopping.wait()
