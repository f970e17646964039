"""The sinks that there are, before they are opened: each system that is configured, and each URL that subscribed."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from integrations.sink import Sink
from integrations.webhook.subscriptions import Subscription


class KnownSink(NamedTuple):
    """A sink by its name, the system that it is of, and the types of signals that it takes.

    `make` gives it closed, and a new one each time. Announcements from before `since` (UTC) are not meant for it.
    """

    name: str
    system: str
    types: frozenset[str]
    make: Callable[[], Sink]
    since: datetime | None = None

    def takes(self, kind: str, announced_at: datetime) -> bool:
        """Whether an announcement of that type is meant for it."""
        return kind in self.types and (self.since is None or announced_at >= self.since)


class Sinks(NamedTuple):
    """All that there are: those of brokers, and for each URL that subscribed the one that `webhook` makes of it."""

    brokers: Sequence[KnownSink]
    webhook: Callable[[Subscription], KnownSink]

    def with_webhooks(self, subscribed: Sequence[Subscription]) -> list[KnownSink]:
        return [*self.brokers, *map(self.webhook, subscribed)]
