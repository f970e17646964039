"""The sinks of subscriptions: how each is made, and how it is disabled when its receiver is gone."""

import logging
from collections.abc import Callable
from functools import partial

from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.times import Clock
from integrations.contracts.webhook import SYSTEM
from integrations.outbound.sink import SinkSpec
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.webhook import subscriptions
from integrations.webhook.sink import WebhookSink
from integrations.webhook.subscriptions import Subscription

log = logging.getLogger(__name__)

GONE = "the receiver answered that it is gone (410)"


def webhooks(
    database: Database, clock: Clock, *, private: bool, limits: Limits = DEFAULT_LIMITS
) -> Callable[[Subscription], SinkSpec]:
    """Return a function that makes a sink of a subscription. `private` allows loopback and private addresses.

    The sink disables its subscription when the receiver answers that it is gone.
    """

    async def disable(subscription_id: str) -> None:
        async with database.write_without_course_lock() as connection:
            await subscriptions.disable(connection, subscription_id, GONE, clock())
        log.warning("%s is disabled: %s", subscription_id, GONE)

    def sink_of(subscription: Subscription) -> SinkSpec:
        async def gone() -> None:
            await shielded(disable(subscription.subscription_id))

        make = partial(WebhookSink, subscription, gone, clock, private=private, limits=limits)
        name = subscription.subscription_id
        return SinkSpec(name, SYSTEM, subscription.types, make, subscription.created_at)

    return sink_of
