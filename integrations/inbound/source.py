"""What a broker has for us: a source hands messages over in batches, and hears what became of each.

All brokers fill this one protocol, so that one consumer serves them all.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self


class Delivery(NamedTuple):
    """One message as a broker hands it over.

    `topic` is where it was found (a stream, a routing key, a topic), `position` its place there, by which the broker
    tells it from all others; `sent_at` is the broker's time in UTC; `attempts` counts the deliveries before this one;
    `correlation_id` is what its sender's log calls it, where the broker says.
    """

    topic: str
    position: str
    body: bytes
    sent_at: datetime
    attempts: int = 0
    correlation_id: str | None = None


class Source(Protocol):
    """One broker, while it is open. Each method raises Unavailable while the broker cannot be had.

    Then it is left, and entered again after a pause. Leaving it raises nothing.
    What was taken and not settled, buried or returned comes again: at least once, also after kill -9.
    """

    name: str

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def receive(self) -> Sequence[Delivery]:
        """The next messages, at most BATCH of them. Waits a second or so for the first; then it may be none."""
        ...

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Says that these are done with. Called after the transaction that keeps them has committed."""
        ...

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Moves a message that can never be taken to the dead letters, with the reason; then it is done with."""
        ...

    async def retry_later(self, delivery: Delivery, reason: str) -> None:
        """Has a message that failed come again after a pause, or buries it after its last attempt."""
        ...

    async def dead_letter_count(self) -> int:
        """How many dead letters there are now."""
        ...


BATCH = 500
"""How many messages one transaction takes."""

ATTEMPTS = 3
"""So many deliveries a message has that fails for itself, before it is buried."""


RECORD_BYTES = 4_000_000
"""So much one transaction takes, or one message that is larger: it is to end soon, and so is reading it."""

TAKE_BYTES = 16_000_000
"""So much is about to be asked of a broker at once, by what was taken last."""

FIRST = 16
"""How many messages are asked for while nothing is known of their size."""


def split_by_bytes(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    """What one transaction takes after the other, in their order."""
    begin = size = 0
    for end, delivery in enumerate(deliveries):
        if end > begin and size + len(delivery.body) > RECORD_BYTES:
            yield deliveries[begin:end]
            begin, size = end, 0
        size += len(delivery.body)
    if deliveries:
        yield deliveries[begin:]


def next_number(number: int, taken: Sequence[Delivery]) -> int:
    """How many to ask for, when `number` were asked for and these were taken: twice as many, if they are small."""
    if not taken:
        return FIRST
    size = sum(len(delivery.body) for delivery in taken) // len(taken)
    return max(1, min(2 * number, BATCH, TAKE_BYTES // max(size, 1)))
