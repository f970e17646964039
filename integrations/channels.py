"""All channels between us and other systems: where messages of which types come from, and where they go."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from eventstore.event_type import EventType
from integrations.contracts import activity, kafka, rabbitmq, redis, tally, webhook

RECEIVE: Literal["receive"] = "receive"
SEND: Literal["send"] = "send"


class Channel(NamedTuple):
    """One way that messages take. `address` is a stream, a routing key, a topic or a path; None if receivers say it.

    `headers` is what stands beside the body; `bindings` is what AsyncAPI says of a protocol's own notions.
    """

    system: str
    address: str | None
    action: Literal["receive", "send"]
    types: Sequence[EventType]
    headers: type[BaseModel] | None = None
    bindings: Mapping[str, Any] = {}


def channels() -> Iterator[Channel]:
    """Every channel, by system."""
    yield Channel(tally.SOURCE, "/v1/webhooks/tally", RECEIVE, tally.TYPES)
    yield from (Channel(redis.SOURCE, stream, RECEIVE, types) for stream, types in redis.TYPES.items())
    yield Channel(redis.SOURCE, redis.PROGRESS_EVENTS, SEND, redis.ANNOUNCED)
    yield from (routed(RECEIVE, each) for each in rabbitmq.TYPES)
    yield from (routed(SEND, each) for each in rabbitmq.ANNOUNCED)
    yield from (Channel(kafka.SOURCE, topic, RECEIVE, types) for topic, types in kafka.TYPES.items())
    yield Channel(kafka.SOURCE, kafka.PROGRESS_EVENTS, SEND, kafka.ANNOUNCED)
    yield from (Channel(activity.SOURCE, table, RECEIVE, types) for table, types in activity.BY_TABLE.items())
    yield Channel(webhook.SYSTEM, None, SEND, webhook.ANNOUNCED, webhook.WebhookHeaders)


def routed(action: Literal["receive", "send"], event_type: EventType) -> Channel:
    """A routing key of the topic exchange."""
    exchange = {"name": rabbitmq.EXCHANGE, "type": "topic", "durable": True}
    bindings = {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}}
    return Channel(rabbitmq.SOURCE, event_type.name, action, (event_type,), bindings=bindings)
