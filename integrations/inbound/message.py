"""A message: what another system sent us, as one row of `lms_inbox` keeps it."""

from datetime import datetime
from typing import NamedTuple

MessageKey = tuple[str, str]
"""A source, and the id of a message there: this tells a message from all others."""


class Message(NamedTuple):
    """One message from `source`. `body` is JSON text, as it came; `type` is the sender's name for what it is.

    `topic` is where it was found: a stream, a routing key, a topic, a form. Times UTC.
    """

    source: str
    message_id: str
    type: str
    topic: str
    body: str
    received_at: datetime

    @property
    def key(self) -> MessageKey:
        """The same key again is the same message, whatever else it says."""
        return (self.source, self.message_id)
