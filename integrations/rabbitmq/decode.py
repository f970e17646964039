"""An event of the course platform, from RabbitMQ, as a message."""

from datetime import datetime

from integrations.contracts.contract import Contract, json_text, must_not_be_ahead
from integrations.contracts.rabbitmq import SOURCE, TYPES, AnyEvent
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery

CONTRACT = Contract(AnyEvent, TYPES)


def decode(delivery: Delivery, received_at: datetime) -> Message:
    """The message that a delivery is; its type is what the event says, not its routing key. Raises Refused."""
    body = json_text(delivery.body)
    event = CONTRACT.check(body)
    must_not_be_ahead("timestamp", event.timestamp, received_at)
    return Message(SOURCE, event.event_id, event.event_type, delivery.topic, body, received_at)
