"""What is POSTed to a subscriber, as Standard Webhooks has it: the body, and the headers of one attempt."""

from datetime import datetime

from integrations.contracts.webhook import SIGNALS, ForwardedBody, WebhookBody
from integrations.sink import Announcement
from integrations.webhook.signature import sign


def content(announcement: Announcement) -> bytes:
    """The body: the type, when it occurred, and the data."""
    kind, data = announcement.type, announcement.body
    body: WebhookBody | ForwardedBody
    if kind in SIGNALS:
        body = WebhookBody.model_validate({"type": kind, "timestamp": data["occurred_at"], "data": data})
    else:
        body = ForwardedBody.model_validate({"type": kind, "timestamp": data["timestamp"], "data": data})
    return body.model_dump_json(exclude_unset=True).encode()


def headers_of(secret: str, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of one attempt."""
    timestamp = int(now.timestamp())
    return {
        "content-type": "application/json",
        "user-agent": "lms-progress",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
