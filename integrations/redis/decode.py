"""An entry of a Redis stream as a message.

An entry has no id but its place in the stream: what is added again is another message, though not another event.
"""

from datetime import datetime
from itertools import chain

from integrations.contracts.contract import Contract, json_text, must_not_be_ahead
from integrations.contracts.redis import SOURCE, TYPES, AnyEntry
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery

CONTRACT = Contract(AnyEntry, chain.from_iterable(TYPES.values()))


def decode(delivery: Delivery, received_at: datetime) -> Message:
    """The message that an entry is; its body is the entry's fields as a JSON object. Raises Refused."""
    body = json_text(delivery.body)
    entry = CONTRACT.check(body)
    must_not_be_ahead("the entry's id", delivery.sent_at, received_at)
    message_id = f"{delivery.topic}/{delivery.position}"
    return Message(SOURCE, message_id, entry.event_type, delivery.topic, body, received_at)
