"""Activities that are taken in together, and what is kept of each besides its message."""

from collections.abc import Sequence, Set
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.inbound.message import Message, MessageKey
from integrations.platform_monitor import store
from integrations.platform_monitor.change_detection import DetectedActivity
from integrations.platform_monitor.store import ActivityRow
from signals import outbox
from signals.outbox import OutboxMessage


class Item(NamedTuple):
    """An activity as it was noticed, and as a message; and what mentors are told of it, should it be new."""

    seen: DetectedActivity
    message: Message
    announced: Sequence[OutboxMessage] = ()


Batch = Sequence[Item]


async def save_batch(connection: AsyncConnection, batch: Batch, new: Set[MessageKey]) -> None:
    """Keeps who did what and when, and queues what mentors are told, of those activities whose messages are new."""
    items = [item for item in batch if item.message.key in new]
    await store.save_activities(connection, [row(item) for item in items])
    await outbox.enqueue_deliveries(connection, [each for item in items for each in item.announced])


def row(item: Item) -> ActivityRow:
    seen, message, _ = item
    return ActivityRow(seen.row["student_id"], message.message_id, message.type, seen.at, message.received_at)
