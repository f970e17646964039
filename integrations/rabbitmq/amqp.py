"""Messages on their way between our queues: our headers tell what they were, how often they failed, and why.

Pure. A copy carries the body and what identifies the message, and nothing by which the broker would treat it otherwise
than any other of ours: no time to live, no reply queue, no further queues to copy it to.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from aio_pika import DeliveryMode, Message
from aiormq.abc import DeliveredMessage

from integrations.inbound.source import Delivery

ROUTING_KEY = "lms-routing-key"
FAILURES = "lms-failures"
REASON = "lms-reason"

REASON_LENGTH = 2_000
"""All headers of a message have to fit one frame."""

NOT_COPIED = frozenset({"CC", "BCC", "x-delivery-count"})
"""What the broker acts on, or writes itself."""


def delivery_of(message: DeliveredMessage, taken_at: datetime) -> Delivery:
    """What a message is to the consumer. Its time is the sender's, if that set one."""
    properties = message.header.properties
    headers, sent_at = properties.headers or {}, properties.timestamp
    routing_key, failures = headers.get(ROUTING_KEY), headers.get(FAILURES)
    return Delivery(
        topic=routing_key if isinstance(routing_key, str) else message.routing_key or "",
        position=str(message.delivery_tag),
        body=message.body,
        sent_at=sent_at.astimezone(UTC) if isinstance(sent_at, datetime) else taken_at,
        attempts=failures if isinstance(failures, int) and failures >= 0 else 0,
        correlation_id=properties.correlation_id or properties.message_id,
    )


def failed_copy(message: DeliveredMessage, delivery: Delivery, reason: str) -> Message:
    """A message that failed once more."""
    properties = message.header.properties
    return Message(
        message.body,
        headers={
            **copied(properties.headers or {}),
            ROUTING_KEY: delivery.topic,
            FAILURES: delivery.attempts + 1,
            REASON: reason[:REASON_LENGTH],
        },
        delivery_mode=DeliveryMode.PERSISTENT,
        content_type=properties.content_type,
        content_encoding=properties.content_encoding,
        correlation_id=properties.correlation_id,
        message_id=properties.message_id,
        timestamp=properties.timestamp,
        type=properties.message_type,
        app_id=properties.app_id,
    )


def copied(headers: Mapping[str, object]) -> dict[str, str | int]:
    """The headers that are text or numbers: others may be of a kind that can be read and not written."""
    return {name: value for name, value in headers.items() if name not in NOT_COPIED and isinstance(value, str | int)}
