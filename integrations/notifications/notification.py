"""Notifications of activities, as the outbox stores them: one message for each activity and mentor. Pure.

Each mentor gets a message of their own, so a mentor who cannot be reached blocks nobody else's messages.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import BaseModel

from eventstore.event_type import Ident
from integrations.contracts.activity import Activity
from integrations.contracts.notification import TOLD_OF, AnyOfActivity
from integrations.notifications.recipient import Recipient, StoredRecipient
from integrations.notifications.recipients_hook import RecipientsHook
from signals.outbox import OutboxMessage

NAMESPACE = UUID("13a62dad-6dad-4711-8c8d-222be5a125a7")
"""The namespace of the ids. It never changes, so that an activity that is read again gives the ids that it had."""


class Notification(BaseModel):
    """The body of a notification. `user_id` is the student; `message_id` is the activity's id in the inbox."""

    recipient: StoredRecipient
    user_id: Ident
    message_id: str
    activity: AnyOfActivity


class Notifier:
    """Makes the notifications of an activity, for the recipients of the platform or those that the hook chooses."""

    def __init__(self, hook: RecipientsHook | None = None) -> None:
        self._hook = hook

    def notifications(
        self, activity: Activity, message_id: str, recipients: Sequence[Recipient], now: datetime
    ) -> list[OutboxMessage]:
        """Return the messages to enqueue in the transaction that stores the activity. The hook may take a while."""
        if activity.event_type not in TOLD_OF:
            return []
        chosen = recipients if self._hook is None else self._hook(activity, recipients)
        return notifications(activity, message_id, chosen, now)


def notifications(
    activity: Activity, message_id: str, recipients: Sequence[Recipient], now: datetime
) -> list[OutboxMessage]:
    """Return one message for each recipient, or none if mentors are not notified of this type of activity.

    `message_id` is the activity's id in the inbox. An activity and a mentor always give the same id, so a mentor is
    notified of an activity once.
    """
    if activity.event_type not in TOLD_OF:
        return []
    distinct = {recipient.user_id: recipient for recipient in recipients}
    return [to_message(activity, message_id, recipient, now) for recipient in distinct.values()]


def to_message(activity: Activity, message_id: str, recipient: Recipient, now: datetime) -> OutboxMessage:
    """Return the message that notifies one mentor of an activity."""
    body = Notification(
        recipient=recipient, user_id=activity.student_id, message_id=message_id, activity=activity
    ).model_dump_json(exclude_none=True)
    return OutboxMessage(
        recipient.user_id, notification_id(message_id, recipient.user_id), activity.event_type, body, now
    )


def notification_id(*parts: str) -> str:
    """Return the id of a notification, computed from the parts that identify it."""
    return str(uuid5(NAMESPACE, "\x1f".join(parts)))
