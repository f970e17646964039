"""Notifications of activities: which there are, to whom, and what each carries. Pure.

A notification is an announcement for one mentor. So a mentor who cannot be reached holds back nobody else's.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import BaseModel

from eventstore.event_type import Ident
from integrations.contracts.activity import Activity
from integrations.contracts.notification import TOLD_OF, AnyOfActivity
from integrations.notifications.recipient import KeptRecipient, Recipient
from signals.outbox import OutboxMessage

NOTIFICATIONS = UUID("13a62dad-6dad-4711-8c8d-222be5a125a7")


class Notification(BaseModel):
    """What the outbox keeps: for which mentor, which activity of whom, and its message's id in the inbox."""

    recipient: KeptRecipient
    user_id: Ident
    message_id: str
    activity: AnyOfActivity


def notifications(
    activity: Activity, message_id: str, recipients: Sequence[Recipient], now: datetime
) -> list[OutboxMessage]:
    """One for each recipient, if mentors are told of this type; `message_id` is that of the activity in the inbox.

    The same activity and mentor always give the same id: so a mentor is told of it once.
    """
    if activity.event_type not in TOLD_OF:
        return []
    distinct = {recipient.user_id: recipient for recipient in recipients}
    return [announced(activity, message_id, recipient, now) for recipient in distinct.values()]


def announced(activity: Activity, message_id: str, recipient: Recipient, now: datetime) -> OutboxMessage:
    """The announcement of an activity to one mentor."""
    body = Notification(
        recipient=recipient, user_id=activity.student_id, message_id=message_id, activity=activity
    ).model_dump_json(exclude_none=True)
    return OutboxMessage(
        recipient.user_id, notification_id(message_id, recipient.user_id), activity.event_type, body, now
    )


def notification_id(*parts: str) -> str:
    """What tells a notification from all others: of an activity, by its message's id and its mentor's."""
    return str(uuid5(NOTIFICATIONS, "\x1f".join(parts)))
