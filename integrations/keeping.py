"""What one transaction keeps of messages besides their events: themselves, the facts they tell, and their counts."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from integrations import facts_store, inbox_store
from integrations.inbox_store import Kept, Row
from integrations.translation import Names, Translation
from views import message_daily_stats

NOTHING = Kept(frozenset(), frozenset())


async def keep(connection: AsyncConnection, translations: Sequence[Translation], names: Names, shard: int) -> Kept:
    """Keeps messages whose keys differ, done or parked. Each is counted once, under this process's `shard`."""
    if not translations:
        return NOTHING
    kept = await inbox_store.keep(connection, [row(translation, names) for translation in translations])
    await facts_store.keep(connection, [fact for translation in translations for fact in translation.facts])
    new = [translation.message for translation in translations if translation.message.key in kept.new]
    await message_daily_stats.record(connection, [(m.received_at, m.source, m.topic, m.type) for m in new], shard)
    return kept


def row(translation: Translation, names: Names) -> Row:
    message, event = translation.message, translation.event
    return Row(
        message,
        translation.status,
        names[message.key],
        translation.reason,
        event.user_id if event else None,
        event.event_id if event else None,
    )
