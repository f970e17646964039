"""Where announcements go: a sink sends them on to one other system, and says of each whether it arrived.

Brokers and webhooks fill this one protocol, so that one relay serves them all.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self


class OutboundMessage(NamedTuple):
    """One message of the outbox. `message_id` stays the same however often it is sent: receivers tell repeats by it.

    `type` is a signal's type; `body` is what is announced, as a JSON object. Times UTC.
    """

    message_id: str
    user_id: str
    type: str
    body: Mapping[str, object]
    created_at: datetime
    attempts: int = 0


class Outgoing(NamedTuple):
    """An announcement as one system is told of it: in its words, with its ids.

    `topic` is where it goes (a stream, a routing key, a topic), `type` that system's name for it, `body` JSON.
    """

    topic: str
    type: str
    body: bytes


class Result(NamedTuple):
    """What became of an announcement at a sink: it arrived, or `error` says why it did not, in words of ours.

    `details` are the receiver's own words, which may tell of people: they are noted, and never logged. `receipt` is
    the receiver's id of what arrived, if it gives any. `is_final`: it is never to be tried again.
    """

    error: str | None = None
    details: str | None = None
    receipt: str | None = None
    is_final: bool = False

    @property
    def reason(self) -> str | None:
        """Why it did not arrive, with the receiver's own words."""
        return self.error if self.details is None else f"{self.error}: {self.details}"

    @property
    def blocks_later(self) -> bool:
        """Whether later announcements of the same learner have to wait for this one."""
        return self.error is not None and not self.is_final


DELIVERED = Result()
NOT_ATTEMPTED = Result("not tried")
"""What a sink says of an announcement that it has not tried to send: that counts as no attempt."""


class Sink(Protocol):
    """One receiver, while it is open."""

    name: str

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
        """Sends them, those of one learner in the order given. What became of each.

        After one that did not arrive and may be tried again, no later one of the same learner is sent: it is NOT_TRIED.
        Raises Unavailable while nothing can be sent at all: that counts as no attempt, and the sink is closed and made
        anew.
        """
        ...


class SinkSpec(NamedTuple):
    """A sink by its name, the system that it is of, and the types of signals that it takes.

    `make` gives it closed, and a new one each time. Announcements from before `since` (UTC) are not meant for it.
    """

    name: str
    system: str
    types: frozenset[str]
    make: Callable[[], Sink]
    since: datetime | None = None

    def accepts(self, kind: str, announced_at: datetime) -> bool:
        """Whether an announcement of that type is meant for it."""
        return kind in self.types and (self.since is None or announced_at >= self.since)
