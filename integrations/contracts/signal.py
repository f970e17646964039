"""What is announced of a signal: to subscribers as it stands here, to brokers in the words of each."""

from pydantic import BaseModel, Field

from integrations.contracts.fields import Instant
from signals.signal import SignalType


class AnnouncedSignal(BaseModel):
    """A signal, under its id. `percent` says how much of the course is done, for what completes a step or a course."""

    signal_id: str
    type: SignalType
    user_id: str
    class_id: str | None
    course_id: str | None
    occurred_at: Instant
    percent: float | None = Field(default=None, ge=0, le=100)
