"""The webhooks of all subscriptions: how each becomes a sink, and what happens when its receiver is gone."""

import logging
from collections.abc import Callable
from functools import partial

from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.times import Clock
from integrations.contracts.webhook import SYSTEM
from integrations.outbound.sink import SinkSpec
from integrations.webhook import subscriptions
from integrations.webhook.sink import WebhookSink
from integrations.webhook.subscriptions import Subscription

log = logging.getLogger(__name__)

GONE = "expected a receiver, found that it is gone (410)"


def webhooks(database: Database, clock: Clock, *, private: bool) -> Callable[[Subscription], SinkSpec]:
    """Makes sinks of subscriptions; those of receivers that are gone are disabled.

    If `private`, their URLs may lead to loopback, link-local and private addresses.
    """

    async def disable(subscription_id: str) -> None:
        async with database.write_without_course_lock() as connection:
            await subscriptions.disable(connection, subscription_id, GONE, clock())
        log.warning("%s is disabled: %s", subscription_id, GONE)

    def of(subscription: Subscription) -> SinkSpec:
        async def gone() -> None:
            await shielded(disable(subscription.subscription_id))

        make = partial(WebhookSink, subscription, gone, clock, private=private)
        name = subscription.subscription_id
        return SinkSpec(name, SYSTEM, subscription.types, make, subscription.created_at)

    return of
