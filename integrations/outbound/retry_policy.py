"""The retry policy: what the result of an attempt means for a delivery. Pure, except for the jitter of the delays.

A failed delivery is attempted again after growing delays. It is dead after three days, or once the receiver refuses the
message for good, and stays dead until an operator retries it.
"""

from datetime import datetime, timedelta
from random import SystemRandom
from typing import NamedTuple

from integrations.outbound.sink import OutboundMessage, Result
from integrations.tables import DeliveryStatus

DEAD_AFTER = timedelta(days=3)
FIRST_DELAY = timedelta(seconds=5)
GROWTH = 3
LONGEST_DELAY = timedelta(hours=6)
JITTER = 0.2
"""The share by which a delay is longer or shorter, so that deliveries that failed together are spread out."""

_random = SystemRandom()


class DueDelivery(NamedTuple):
    """A delivery that is due, and the time of its first attempt, if there was one."""

    message: OutboundMessage
    first_attempt_at: datetime | None


class DeliveryOutcome(NamedTuple):
    """The columns of a delivery after an attempt."""

    user_id: str
    sink: str
    message_id: str
    status: DeliveryStatus
    attempts: int
    first_attempt_at: datetime
    next_attempt_at: datetime
    last_error: str | None
    receipt: str | None
    sent_at: datetime | None


def apply_result(due: DueDelivery, sink: str, result: Result, now: datetime) -> DeliveryOutcome:
    """Return the delivery after an attempt at `now` with this result."""
    attempts, first = due.message.attempts + 1, due.first_attempt_at or now
    status, next_attempt_at = DeliveryStatus.SENT, now
    if result.error is not None:
        is_dead = result.is_final or now - first >= DEAD_AFTER
        status = DeliveryStatus.DEAD if is_dead else DeliveryStatus.PENDING
        next_attempt_at = min(now + retry_delay(attempts), max(now, first + DEAD_AFTER))
    sent_at = now if result.error is None else None
    key = (due.message.user_id, sink, due.message.message_id)
    return DeliveryOutcome(*key, status, attempts, first, next_attempt_at, result.reason, result.receipt, sent_at)


def retry_delay(attempts: int) -> timedelta:
    """Return the delay after this many failed attempts: 5 s, 15 s, 45 s and so on up to 6 h, plus or minus a fifth."""
    delay = FIRST_DELAY * float(GROWTH) ** min(attempts - 1, 20)
    return min(delay, LONGEST_DELAY) * _random.uniform(1 - JITTER, 1 + JITTER)
