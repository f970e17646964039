"""Activities that are taken in together: what is kept of them beside their messages, and who is told of them."""

from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.activity import activity_store
from integrations.activity.activity_store import ActivityRow
from integrations.activity.mentors import TheirMentors
from integrations.activity.noticing import Noticed
from integrations.activity.read import CONTRACT
from integrations.contracts.activity import Activity, ContentActivity, ExamActivity
from integrations.message import Message, MessageKey
from integrations.notifications.notification import TOLD_OF
from integrations.notifications.recipient import Recipient
from signals.outbox import Announced, forward

NEWS = timedelta(days=1)
"""How long before the platform was first read something may have been done, and mentors are told of it."""

Tell = Callable[[Activity, str, Sequence[Recipient], datetime], Sequence[Announced]]
"""What is announced of an activity, which came as the message of that id, to these mentors of the student, now."""


class Item(NamedTuple):
    """An activity as it was noticed, and as a message."""

    seen: Noticed
    message: Message


class Batch(NamedTuple):
    """Some, and the mentors of their students. What was done before `news_since` is told to nobody."""

    items: Sequence[Item]
    mentors: TheirMentors
    news_since: datetime

    def halves(self) -> list["Batch"]:
        half = len(self.items) // 2
        return [self._replace(items=some) for some in (self.items[:half], self.items[half:])]


async def keep(connection: AsyncConnection, batch: Batch, new: Set[MessageKey], tell: Tell | None) -> None:
    """Keeps who did what and when, and announces that by `tell`, of those activities whose messages are new."""
    items = [item for item in batch.items if item.message.key in new]
    await activity_store.keep(connection, [activity_row(item) for item in items])
    if tell is not None:
        await forward(connection, [each for item in items for each in announced(item, batch, tell)])


def activity_row(item: Item) -> ActivityRow:
    seen, message = item
    return ActivityRow(seen.row["student_id"], message.message_id, message.type, seen.at, message.received_at)


def announced(item: Item, batch: Batch, tell: Tell) -> Sequence[Announced]:
    seen, message = item
    if message.type not in TOLD_OF or seen.at < batch.news_since:
        return ()
    try:
        activity = CONTRACT.current(message.body)
    except ValidationError:  # it is parked, with the reason
        return ()
    if not isinstance(activity, ExamActivity | ContentActivity):
        return ()
    return tell(activity, message.message_id, batch.mentors[seen.row["student_id"]], message.received_at)
