"""The POST to a subscriber, in the format of Standard Webhooks: the body, and the headers of one attempt. Pure."""

from collections.abc import Mapping
from datetime import datetime

from integrations.contracts.notification import ACTIVITY_SUMMARY, NOTIFIED, AnnouncedNotification, AnnouncedSummary
from integrations.contracts.webhook import SIGNALS, ForwardedBody, NotificationBody, WebhookBody
from integrations.outbound.sink import OutboundMessage
from integrations.webhook.signature import sign


def encode(message: OutboundMessage) -> bytes:
    """Return the body: the type, the time of the event, and the data."""
    kind, data = message.type, message.body
    body: WebhookBody | ForwardedBody | NotificationBody
    if kind in SIGNALS:
        body = WebhookBody.model_validate({"type": kind, "timestamp": data["occurred_at"], "data": data})
    elif kind in NOTIFIED:
        body = notification_body(kind, data)
    else:
        body = ForwardedBody.model_validate({"type": kind, "timestamp": data["timestamp"], "data": data})
    return body.model_dump_json(exclude_unset=True).encode()


def notification_body(kind: str, data: Mapping[str, object]) -> NotificationBody:
    """Return the body of a notification. The contract has no field for the mentor's addresses, so they are left out."""
    shape = AnnouncedSummary if kind == ACTIVITY_SUMMARY else AnnouncedNotification
    notification: AnnouncedSummary | AnnouncedNotification = shape.model_validate(data)
    return NotificationBody(type=kind, timestamp=notification.timestamp, data=notification)


def headers_of(secret: str, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers of one attempt at `now`."""
    timestamp = int(now.timestamp())
    return {
        "content-type": "application/json",
        "user-agent": "lms-progress",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
