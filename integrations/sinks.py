"""The sinks that there are, before they are opened: each system that is configured, and each URL that subscribed."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from integrations.sink import Sink


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
