"""Where announcements go: a sink sends them on to one other system, and says of each whether it arrived.

Brokers and webhooks fill this one protocol, so that one relay serves them all.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self


class Announcement(NamedTuple):
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


NOT_TRIED = "not tried"
"""What a sink says of an announcement that it has not tried to send: that counts as no attempt."""


class Sink(Protocol):
    """One receiver, while it is open."""

    name: str

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, announcements: Sequence[Announcement]) -> Sequence[str | None]:
        """Sends them, those of one learner in the order given. None for each that arrived, else why it did not.

        After one that did not arrive, no later one of the same learner is sent: it is NOT_TRIED. Raises Unavailable
        while nothing can be sent at all: that counts as no attempt, and the sink is closed and made anew.
        """
        ...
