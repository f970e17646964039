"""Attempts to deliver: what each makes of a delivery. Pure, but for the chance in its pauses.

One that fails is tried again after growing pauses. After three days, or once the receiver refuses it for good, it is
dead, and stays until someone acts.
"""

from datetime import datetime, timedelta
from random import SystemRandom
from typing import NamedTuple

from integrations.outbound.sink import OutboundMessage, Result
from integrations.tables import DeliveryStatus

DEAD_AFTER = timedelta(days=3)
FIRST_PAUSE = timedelta(seconds=5)
GROWTH = 3
LONGEST_PAUSE = timedelta(hours=6)
JITTER = 0.2
"""Each pause is up to so much shorter or longer, so that what failed together is not tried again together."""

_random = SystemRandom()


class DueDelivery(NamedTuple):
    """A delivery that is due, and when it was tried first."""

    announcement: OutboundMessage
    first_attempt_at: datetime | None


class DeliveryOutcome(NamedTuple):
    """A delivery after an attempt, as it is noted."""

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
    """A delivery after it was tried at `now`."""
    attempts, first = due.announcement.attempts + 1, due.first_attempt_at or now
    status, next_attempt_at = DeliveryStatus.SENT, now
    if result.error is not None:
        is_dead = result.is_final or now - first >= DEAD_AFTER
        status = DeliveryStatus.DEAD if is_dead else DeliveryStatus.PENDING
        next_attempt_at = min(now + retry_delay(attempts), max(now, first + DEAD_AFTER))
    sent_at = now if result.error is None else None
    key = (due.announcement.user_id, sink, due.announcement.message_id)
    return DeliveryOutcome(*key, status, attempts, first, next_attempt_at, result.reason, result.receipt, sent_at)


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after so many attempts failed: 5 s, 15 s, 45 s and so on up to 6 h, give or take a fifth."""
    growing = FIRST_PAUSE * float(GROWTH) ** min(attempts - 1, 20)
    return min(growing, LONGEST_PAUSE) * _random.uniform(1 - JITTER, 1 + JITTER)
