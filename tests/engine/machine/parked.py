"""What becomes of an event that a rule raised on: three attempts after growing pauses, then it is dead."""

from datetime import datetime, timedelta
from typing import NamedTuple

FIRST_PAUSE = timedelta(seconds=10)
ATTEMPTS = 3


class Parked(NamedTuple):
    """An event that a rule raised on: how often again, since when, and when it is due; None if it is dead."""

    rule: str
    attempts: int
    parked_at: datetime
    due_at: datetime | None

    @property
    def status(self) -> str:
        return "dead" if self.due_at is None else "pending"

    def failed_again(self, now: datetime) -> "Parked":
        attempts = self.attempts + 1
        due_at = now + FIRST_PAUSE * 6**attempts if attempts < ATTEMPTS else None
        return self._replace(attempts=attempts, due_at=due_at)
