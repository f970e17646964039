"""Subscriptions in the database: URLs that get signals, each with the secret that signs its webhooks."""

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Update, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.errors import NotFoundError
from integrations.tables import DeliveryStatus, lms_delivery, lms_subscription
from integrations.webhook.signature import new_secret

PREFIX = "webhook-"
"""The prefix of ids. A subscription's id is also the name of its sink."""


class Subscription(NamedTuple):
    """A URL that gets messages of these types, from `created_at` (UTC) on."""

    subscription_id: str
    url: str
    types: frozenset[str]
    secret: str
    created_at: datetime


_s = lms_subscription.c
_d = lms_delivery.c

SELECT_ENABLED = select(*(_s[name] for name in Subscription._fields)).where(_s.disabled_at.is_(None))
"""The subscriptions that get messages."""

LOCK_ENABLED = SELECT_ENABLED.with_for_update(read=True)
"""Select the enabled subscriptions, and lock them: none is deleted or disabled until the transaction ends."""


async def create(connection: AsyncConnection, url: str, types: Collection[str], now: datetime) -> Subscription:
    """Subscribe a URL. Its secret is never shown again."""
    subscription = Subscription(PREFIX + secrets.token_hex(8), url, frozenset(types), new_secret(), now)
    row = subscription._asdict() | {"types": " ".join(sorted(subscription.types))}
    await connection.execute(insert(lms_subscription), row)
    return subscription


async def enabled(connection: AsyncConnection) -> list[Subscription]:
    """Return the subscriptions that are not disabled."""
    return [_subscription(*row) for row in await connection.execute(SELECT_ENABLED)]


async def lock_enabled(connection: AsyncConnection) -> list[Subscription]:
    """Return the enabled subscriptions, and lock them: none is deleted or disabled until the transaction ends."""
    return [_subscription(*row) for row in await connection.execute(LOCK_ENABLED)]


async def remove(connection: AsyncConnection, subscription_id: str) -> None:
    """Delete a subscription and its unsent deliveries. Raise NotFoundError if the subscription does not exist."""
    statement = delete(lms_subscription).where(_s.subscription_id == subscription_id)
    if (await connection.execute(statement)).rowcount == 0:
        raise NotFoundError(f"there is no subscription with the id {subscription_id!r}")
    unsent = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)
    await connection.execute(delete(lms_delivery).where(_d.sink == subscription_id, _d.status.in_(unsent)))


async def disable(connection: AsyncConnection, subscription_id: str, reason: str, now: datetime) -> None:
    """Disable a subscription. Its pending deliveries become dead, with the reason."""
    await connection.execute(
        update(lms_subscription)
        .where(_s.subscription_id == subscription_id, _s.disabled_at.is_(None))
        .values(disabled_at=now)
    )
    await connection.execute(update_dead(subscription_id, reason))


def update_dead(sink: str, reason: str) -> Update:
    """Return the statement that makes a sink's pending deliveries dead."""
    return (
        update(lms_delivery)
        .where(_d.sink == sink, _d.status == DeliveryStatus.PENDING)
        .values(status=DeliveryStatus.DEAD, last_error=reason)
    )


def _subscription(subscription_id: str, url: str, types: str, secret: str, created_at: datetime) -> Subscription:
    return Subscription(subscription_id, url, frozenset(types.split()), secret, created_at)
