"""What subscribers are told, as Standard Webhooks has it: a signed POST for each signal, event or notification.

Source: https://www.standardwebhooks.com.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from eventstore.event_type import EventType
from integrations.contracts.fields import Instant
from integrations.contracts.kafka import TYPES
from integrations.contracts.notification import NOTIFIED, AnnouncedNotification, AnnouncedSummary
from integrations.contracts.signal import AnnouncedSignal
from signals.signal import SignalType

SYSTEM = "webhook"


class WebhookHeaders(BaseModel):
    """`webhook-id` stays the same however often a POST is tried; the timestamp, in seconds, is of the attempt.

    The signature is `v1,` and the base64 of the HMAC-SHA256 of `id.timestamp.body` under the subscription's secret.
    """

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    webhook_id: str
    webhook_timestamp: str = Field(pattern=r"^[0-9]+$")
    webhook_signature: str


class WebhookBody(BaseModel):
    """A signal; `timestamp` is when it occurred."""

    type: SignalType
    timestamp: Instant
    data: AnnouncedSignal


class ForwardedBody(BaseModel):
    """An event of the learning platform, as it was sent; `timestamp` is its own."""

    type: str
    timestamp: Instant
    data: dict[str, object]


class NotificationBody(BaseModel):
    """What a mentor is told, less the mentor's addresses; `timestamp` is the activity's, or the end of the period."""

    type: str
    timestamp: Instant
    data: AnnouncedNotification | AnnouncedSummary


ANNOUNCED = (
    EventType("signal", {"1.0": WebhookBody}, {}),
    EventType("event", {"1.0": ForwardedBody}, {}),
    EventType("notification", {"1.0": NotificationBody}, {}),
)
"""What is sent."""

SIGNALS = tuple(kind.value for kind in SignalType)
EVENTS = tuple(event_type.name for event_types in TYPES.values() for event_type in event_types)
SUBSCRIBABLE = SIGNALS + EVENTS + NOTIFIED
"""What a URL can subscribe to."""


def subscribable(kind: str) -> str:
    if kind in SUBSCRIBABLE:
        return kind
    raise ValueError(f"one of {', '.join(SUBSCRIBABLE)}")


SubscribedType = Annotated[
    str, AfterValidator(subscribable), WithJsonSchema({"type": "string", "enum": list(SUBSCRIBABLE)})
]
