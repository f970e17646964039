"""An event: one thing that a learner did, as one row of `lms_event`.

Events are pure values. `envelope` makes them from posted JSON, `append` stores them, `read` reads them.
"""

from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel


class Event(NamedTuple):
    """A row of `lms_event` without its `seq`. Times are UTC; `payload` is JSON text, as received."""

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
        """The identity of the event: another one with the same key is a duplicate."""
        return (self.user_id, self.event_id)


class ValidatedEvent(Event):
    """An Event that was just validated: equal to the stored one, but its payload is parsed already."""

    parsed: BaseModel | None = None
    """The payload as its version's model; None in a changed copy."""
