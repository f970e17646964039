"""Notifications of activities: which there are, to whom, and what each carries. Pure.

A notification is an announcement for one mentor. So a mentor who cannot be reached holds back nobody else's.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import BaseModel, field_serializer

from eventstore.event_type import Ident
from integrations.contracts.activity import CONTENT_COMPLETED, EXAM_FAILED, EXAM_PASSED, Activity
from integrations.notifications.recipient import Recipient
from signals.outbox import Announced

NOTIFICATIONS = UUID("13a62dad-6dad-4711-8c8d-222be5a125a7")

TOLD_OF = (EXAM_PASSED, EXAM_FAILED, CONTENT_COMPLETED)
"""The types of activities that mentors are told of."""


class Notification(BaseModel):
    """What the outbox keeps of one: the mentor, the activity, and the message in the inbox that told of it."""

    recipient: Recipient
    user_id: Ident
    message_id: str
    activity: Activity

    @field_serializer("recipient")
    def by_name(self, recipient: Recipient) -> dict[str, object]:
        """As an object, less what is not known."""
        return {name: value for name, value in recipient._asdict().items() if value is not None}


def notifications(
    activity: Activity, message_id: str, recipients: Sequence[Recipient], now: datetime
) -> list[Announced]:
    """One for each recipient, if mentors are told of this type; `message_id` is that of the activity in the inbox.

    The same activity and mentor always give the same id: so a mentor is told of it once.
    """
    if activity.event_type not in TOLD_OF:
        return []
    distinct = {recipient.user_id: recipient for recipient in recipients}
    return [announced(activity, message_id, recipient, now) for recipient in distinct.values()]


def announced(activity: Activity, message_id: str, recipient: Recipient, now: datetime) -> Announced:
    """The announcement of an activity to one mentor."""
    body = Notification(
        recipient=recipient, user_id=activity.student_id, message_id=message_id, activity=activity
    ).model_dump_json(exclude_none=True)
    return Announced(recipient.user_id, notification_id(message_id, recipient.user_id), activity.event_type, body, now)


def notification_id(message_id: str, mentor_id: str) -> str:
    """What tells a notification from all others."""
    return str(uuid5(NOTIFICATIONS, f"{message_id}\x1f{mentor_id}"))
