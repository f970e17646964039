"""Subscriptions in the database: URLs that asked to be told of signals, each with a secret to sign by."""

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
"""What ids begin with: a subscription's id is the name of its sink, too."""


class Subscription(NamedTuple):
    """A URL that is told of signals of these types, from `created_at` (UTC) on."""

    subscription_id: str
    url: str
    types: frozenset[str]
    secret: str
    created_at: datetime


_s = lms_subscription.c
_d = lms_delivery.c

SELECT_ENABLED = select(*(_s[name] for name in Subscription._fields)).where(_s.disabled_at.is_(None))
"""The subscriptions to whom announcements go."""

LOCK_ENABLED = SELECT_ENABLED.with_for_update(read=True)
"""The same, none of which is deleted or disabled until the transaction ends."""


async def create(connection: AsyncConnection, url: str, types: Collection[str], now: datetime) -> Subscription:
    """Subscribes a URL. Its secret is never shown again."""
    subscription = Subscription(PREFIX + secrets.token_hex(8), url, frozenset(types), new_secret(), now)
    row = subscription._asdict() | {"types": " ".join(sorted(subscription.types))}
    await connection.execute(insert(lms_subscription), row)
    return subscription


async def enabled(connection: AsyncConnection) -> list[Subscription]:
    """All subscriptions, but for those whose receivers are gone."""
    return [_subscription(*row) for row in await connection.execute(SELECT_ENABLED)]


async def lock_enabled(connection: AsyncConnection) -> list[Subscription]:
    """The same, none of which is deleted or disabled until the transaction ends."""
    return [_subscription(*row) for row in await connection.execute(LOCK_ENABLED)]


async def remove(connection: AsyncConnection, subscription_id: str) -> None:
    """Ends a subscription, and what was still to be delivered. Raises NotFound if there is none of that id."""
    statement = delete(lms_subscription).where(_s.subscription_id == subscription_id)
    if (await connection.execute(statement)).rowcount == 0:
        raise NotFoundError(f"subscription_id: expected the id of a subscription, found {subscription_id!r}")
    unsent = (DeliveryStatus.PENDING, DeliveryStatus.DEAD)
    await connection.execute(delete(lms_delivery).where(_d.sink == subscription_id, _d.status.in_(unsent)))


async def disable(connection: AsyncConnection, subscription_id: str, reason: str, now: datetime) -> None:
    """Sends a subscription nothing any more: what was still to be delivered is dead, with the reason."""
    await connection.execute(
        update(lms_subscription)
        .where(_s.subscription_id == subscription_id, _s.disabled_at.is_(None))
        .values(disabled_at=now)
    )
    await connection.execute(update_dead(subscription_id, reason))


def update_dead(sink: str, reason: str) -> Update:
    """Gives up what waits to be sent to a sink."""
    return (
        update(lms_delivery)
        .where(_d.sink == sink, _d.status == DeliveryStatus.PENDING)
        .values(status=DeliveryStatus.DEAD, last_error=reason)
    )


def _subscription(subscription_id: str, url: str, types: str, secret: str, created_at: datetime) -> Subscription:
    return Subscription(subscription_id, url, frozenset(types.split()), secret, created_at)
