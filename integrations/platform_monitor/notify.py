"""News: what mentors are told of activities. What was done long before the platform was first read is none."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from integrations.contracts.activity import ContentActivity, ExamActivity
from integrations.contracts.notification import TOLD_OF
from integrations.notifications.notification import Notifier
from integrations.platform_monitor.activity_batch import Batch, Item
from integrations.platform_monitor.decode import CONTRACT
from integrations.platform_monitor.mentor_cache import TheirMentors

BEFORE = timedelta(days=1)
"""How long before that something may have been done, and mentors are told of it."""


def with_news(batch: Batch, mentors: TheirMentors, notifier: Notifier, began_at: datetime) -> list[Item]:
    """The same activities, each with what `notifier` says of it, if it is news to who reads since `began_at`."""
    return [
        with_notifications(item, mentors, notifier)
        if item.seen.event_type in TOLD_OF and item.seen.at >= began_at - BEFORE
        else item
        for item in batch
    ]


def with_notifications(item: Item, mentors: TheirMentors, notifier: Notifier) -> Item:
    message = item.message
    try:
        activity = CONTRACT.current(message.body)
    except ValidationError:  # it is parked, and the reason says why
        return item
    if not isinstance(activity, ExamActivity | ContentActivity):
        return item
    recipients = mentors[item.seen.row["student_id"]]
    return item._replace(
        announced=notifier.notifications(activity, message.message_id, recipients, message.received_at)
    )
