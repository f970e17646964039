"""What subscribers are told, as Standard Webhooks has it: a signed POST for each signal.

Source: https://www.standardwebhooks.com.
"""

from pydantic import BaseModel, ConfigDict, Field

from eventstore.event_type import EventType
from integrations.contracts.fields import Instant
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


ANNOUNCED = (EventType("signal", {"1.0": WebhookBody}, {}),)
"""What is sent."""
