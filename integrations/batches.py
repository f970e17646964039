"""Batches that are small in bytes, too: 500 messages may be half a kilobyte each, or a megabyte. Pure."""

from collections.abc import Iterator, Sequence

from integrations.source import BATCH, Delivery

RECORD_BYTES = 4_000_000
"""So much one transaction takes, or one message that is larger: it is to end soon, and so is reading it."""

TAKE_BYTES = 16_000_000
"""So much is about to be asked of a broker at once, by what was taken last."""

FIRST = 16
"""How many messages are asked for while nothing is known of their size."""


def parts(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    """What one transaction takes after the other, in their order."""
    begin = size = 0
    for end, delivery in enumerate(deliveries):
        if size and size + len(delivery.body) > RECORD_BYTES:
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
