"""`lms-progress subscription …`: the URLs that get signals by webhooks."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from bootstrap.composition import open_database
from bootstrap.settings import load
from cli.console import echo, show
from cli.manage.key import minute
from eventstore.errors import FieldError, InvalidInputError, shorten_repr
from eventstore.times import system_clock
from integrations.contracts.webhook import SIGNALS, SUBSCRIBABLE
from integrations.views import subscription_list
from integrations.views.subscription_list import SubscriptionItem
from integrations.webhook import subscriptions
from integrations.webhook.ssrf import check_url
from integrations.webhook.subscriptions import Subscription
from integrations.webhook.system import WebhookSettings
from views.page import MAX_LIMIT

app = typer.Typer(help="Webhooks: create, list and delete subscriptions of URLs to signals.", no_args_is_help=True)


@app.command("create")
def create_subscription(
    url: Annotated[str, typer.Argument(help="The URL that gets signals: http://… or https://…")],
    kind: Annotated[
        list[str] | None, typer.Option("--type", help="A type of signal, given once for each; by default all")
    ] = None,
) -> None:
    """Subscribe a URL to signals, and print the secret that signs its webhooks. It is shown only once."""
    made = asyncio.run(create_in_database(url, kind or SIGNALS))
    echo(f"id      {made.subscription_id}")
    echo(f"secret  {made.secret}")


@app.command("list")
def list_subscriptions() -> None:
    """List all subscriptions, the oldest first."""
    rows = [
        (item.subscription_id, item.url, " ".join(item.types), minute(item.created_at), minute(item.disabled_at))
        for item in asyncio.run(read_all())
    ]
    show("id", "url", "types", "created (UTC)", "disabled (UTC)", rows=rows)


@app.command("delete")
def delete_subscription(
    subscription_id: Annotated[str, typer.Argument(help="The id, as `subscription list` shows it")],
) -> None:
    """Delete a subscription: nothing more is sent to it."""
    asyncio.run(delete_in_database(subscription_id))
    echo(f"Deleted {subscription_id}.")


async def create_in_database(url: str, types: Sequence[str]) -> Subscription:
    must_be_subscribable(types)
    settings = load()
    await check_url(url, private=settings.of(WebhookSettings).webhook_private)
    async with open_database(settings) as database, database.write_without_course_lock() as connection:
        return await subscriptions.create(connection, url, set(types), system_clock())


def must_be_subscribable(types: Sequence[str]) -> None:
    """Raise InvalidInputError for types that are unknown."""
    unknown = [kind for kind in types if kind not in SUBSCRIBABLE]
    if unknown:
        raise InvalidInputError(
            [FieldError("--type", f"one of {', '.join(SUBSCRIBABLE)}", shorten_repr(kind)) for kind in unknown]
        )


async def read_all() -> list[SubscriptionItem]:
    items: list[SubscriptionItem] = []
    async with open_database(load()) as database, database.read() as connection:
        cursor: str | None = None
        while True:
            page = await subscription_list.read(connection, MAX_LIMIT, cursor)
            items += page.items
            if (cursor := page.next) is None:
                return items


async def delete_in_database(subscription_id: str) -> None:
    async with open_database(load()) as database, database.write_without_course_lock() as connection:
        await subscriptions.remove(connection, subscription_id)
