"""An event: one thing that a learner did, as one row of `lms_event` says it.

Pure values. `envelope` makes them from what was posted, `append` keeps them, `read` brings them back.
"""

from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel


class Event(NamedTuple):
    """One row of `lms_event`, less its `seq`. Times are UTC; `payload` is JSON text, as received."""

    event_id: str
    type: str
    version: str
    user_id: str
    class_id: str
    course_id: str | None
    payload: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    correlation_id: str | None

    @property
    def key(self) -> tuple[str, str]:
        """What makes the event itself and no other: the same key again is a duplicate."""
        return (self.user_id, self.event_id)


class ValidatedEvent(Event):
    """An Event that just passed the gate: equal to the same from the log, but its payload need not be parsed again."""

    parsed: BaseModel | None = None
    """The payload as its version's model; None in a copy that says something else."""
