"""Passing on what the learning platform sends, to those who subscribed to it: nothing is kept but the announcement.

By the outbox and the relay, so that it is sent as surely as our own signals are.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

from engine.engine import Engine
from integrations.contracts.kafka import Event
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery
from integrations.kafka.decode import decode
from integrations.webhook import subscriptions
from signals.outbox import OutboxMessage, enqueue_deliveries

NOTIFICATIONS = UUID("1f0b5f0e-0f4c-4a7e-9b51-6d1d3c2a7e44")
"""The namespace of the ids that messages are passed on under. Never changes: receivers tell repeats by it."""

GROUP = "notification-sender"

ANNOUNCED = "announced"
IGNORED = "ignored"


class TopicForwarder:
    """Reads events, and has them announced to whoever subscribed to their types before they happened."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decode(self, delivery: Delivery) -> Message:
        """The message that a delivery is. Raises Refused."""
        return decode(delivery, self._engine.clock())

    async def handle(self, messages: Sequence[Message]) -> list[str]:
        """Announces them in one transaction, and says of each whether somebody has asked for it."""
        async with self._engine.database.write_without_course_lock() as connection:
            wanted = {kind for each in await subscriptions.enabled(connection) for kind in each.types}
            await enqueue_deliveries(connection, [announced(message) for message in messages if message.type in wanted])
        return [ANNOUNCED if message.type in wanted else IGNORED for message in messages]


def announced(message: Message) -> OutboxMessage:
    """What is announced of an event: it, as it came, at its own time."""
    event = Event.model_validate_json(message.body)
    message_id = str(uuid5(NOTIFICATIONS, event.event_id))
    return OutboxMessage(event.user_id or "", message_id, message.type, message.body, event.timestamp)
