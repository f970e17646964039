"""What is POSTed to a subscriber, as Standard Webhooks has it: the body, and the headers of one attempt."""

from collections.abc import Mapping
from datetime import datetime

from integrations.contracts.notification import ACTIVITY_SUMMARY, NOTIFIED, AnnouncedNotification, AnnouncedSummary
from integrations.contracts.webhook import SIGNALS, ForwardedBody, NotificationBody, WebhookBody
from integrations.outbound.sink import OutboundMessage
from integrations.webhook.signature import sign


def content(announcement: OutboundMessage) -> bytes:
    """The body: the type, when it occurred, and the data."""
    kind, data = announcement.type, announcement.body
    body: WebhookBody | ForwardedBody | NotificationBody
    if kind in SIGNALS:
        body = WebhookBody.model_validate({"type": kind, "timestamp": data["occurred_at"], "data": data})
    elif kind in NOTIFIED:
        body = notification(kind, data)
    else:
        body = ForwardedBody.model_validate({"type": kind, "timestamp": data["timestamp"], "data": data})
    return body.model_dump_json(exclude_unset=True).encode()


def notification(kind: str, data: Mapping[str, object]) -> NotificationBody:
    """What a mentor is told: the contract has no place for the mentor's addresses."""
    shape = AnnouncedSummary if kind == ACTIVITY_SUMMARY else AnnouncedNotification
    told: AnnouncedSummary | AnnouncedNotification = shape.model_validate(data)
    return NotificationBody(type=kind, timestamp=told.timestamp, data=told)


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
