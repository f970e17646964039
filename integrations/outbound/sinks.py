"""The configured sinks: one a system, and one a webhook subscription."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from integrations.outbound.sink import SinkSpec
from integrations.webhook.subscriptions import Subscription


class Sinks(NamedTuple):
    """All that there are: those of brokers, and for each URL that subscribed the one that `webhook` makes of it."""

    brokers: Sequence[SinkSpec]
    webhook: Callable[[Subscription], SinkSpec]

    def with_webhooks(self, subscribed: Sequence[Subscription]) -> list[SinkSpec]:
        return [*self.brokers, *map(self.webhook, subscribed)]
