"""Sinks: each sends messages of the outbox to one other system, and reports the result of each.

Brokers, webhooks and mail servers implement one protocol, so one relay serves all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from integrations.webhook.subscriptions import Subscription


class OutboundMessage(NamedTuple):
    """A message of the outbox, before it is encoded for a system. Times are UTC.

    `message_id` is the same at each attempt, so receivers recognize duplicates by it. `type` is a type of signal or of
    notification. `body` is a JSON object. `attempts` counts the earlier attempts at this sink.
    """

    message_id: str
    user_id: str
    type: str
    body: Mapping[str, object]
    created_at: datetime
    attempts: int = 0


class Outgoing(NamedTuple):
    """A message that is encoded for one system, in its words and with its ids.

    `topic` is the destination (a stream, a routing key, a topic), `type` is that system's name of the type, and `body`
    is JSON.
    """

    topic: str
    type: str
    body: bytes


class Result(NamedTuple):
    """The result of one attempt: delivered, or failed with an `error` in our own words.

    `details` are the receiver's words. They may quote learners' data, so they are stored, but never logged. `receipt`
    is the receiver's id of the message, if it gives one. A final failure is never attempted again.
    """

    error: str | None = None
    details: str | None = None
    receipt: str | None = None
    is_final: bool = False

    @property
    def reason(self) -> str | None:
        """The error with the receiver's details, or None for a delivered message."""
        return self.error if self.details is None else f"{self.error}: {self.details}"

    @property
    def blocks_later(self) -> bool:
        """Whether later messages of the learner have to wait until this one is delivered or dead."""
        return self.error is not None and not self.is_final


DELIVERED = Result()
NOT_ATTEMPTED = Result("not attempted")
"""The result of a message that the sink did not send. It counts as no attempt."""


class Sink(Protocol):
    """The connection to one receiver, used as a context manager."""

    name: str

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
        """Send messages, each learner's in the given order. Return one result for each message, in the same order.

        After a failure that is not final, the learner's later messages are not sent: their result is NOT_ATTEMPTED.
        Raise UnavailableError while the receiver accepts nothing at all. That counts as no attempt, and the relay
        closes the sink and opens a new one.
        """
        ...


class SinkSpec(NamedTuple):
    """A sink's name, its system, and the types of messages that it accepts.

    `make` returns a new, closed sink. Messages from before `since` (UTC) are not meant for it.
    """

    name: str
    system: str
    types: frozenset[str]
    make: Callable[[], Sink]
    since: datetime | None = None

    def accepts(self, kind: str, created_at: datetime) -> bool:
        """Return whether a message of this type and age is meant for the sink."""
        return kind in self.types and (self.since is None or created_at >= self.since)


class Sinks(NamedTuple):
    """All sinks: those that the settings configure, and one a subscription, which `webhook` makes."""

    configured: Sequence[SinkSpec]
    webhook: Callable[[Subscription], SinkSpec]

    def with_webhooks(self, subscriptions: Sequence[Subscription]) -> list[SinkSpec]:
        return [*self.configured, *map(self.webhook, subscriptions)]
