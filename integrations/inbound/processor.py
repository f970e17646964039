"""Intake: messages are understood by what is known now, and kept, with all that they amount to, in one transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.engine import Engine
from engine.ingest.submission import Receipt
from integrations.inbound import inbox_store, reference_store
from integrations.inbound.inbox_store import InsertResult, Row, StoredMessage
from integrations.inbound.mapping import Mappings
from integrations.inbound.message import Message, MessageKey
from integrations.inbound.outcome import DUPLICATE, Outcome, outcomes_of
from integrations.inbound.translation import Names, Translation, TranslationInputs, references_of, translate
from integrations.system import Systems
from integrations.tables import InboxStatus
from projections.rollups import message_counts

TransactionHook = Callable[[AsyncConnection, Set[MessageKey]], Awaitable[None]]
"""Something else to write in the transaction that keeps messages; it is told which of them are new, maybe none."""

NOTHING_INSERTED = InsertResult(frozenset(), frozenset())

NOTHING_WRITTEN = (NOTHING_INSERTED, Receipt(0, 0, []))


class ProcessResult(NamedTuple):
    """What became of messages, which of them said something new, and what all of them were understood by."""

    outcomes: dict[MessageKey, Outcome]
    changes: Sequence[Translation]
    knowledge: TranslationInputs


class LookupResult(NamedTuple):
    """What became of those of some messages that were kept before, and what they are all understood by."""

    known: Mapping[MessageKey, StoredMessage]
    knowledge: TranslationInputs


class InboxProcessor:
    """Has the engine record what messages of these systems prove."""

    def __init__(self, engine: Engine, systems: Systems) -> None:
        self._engine = engine
        self._translators = {name: each.translator for name, each in systems.items() if each.translator is not None}

    async def process(
        self, messages: Sequence[Message], mappings: Mappings, beside: TransactionHook | None = None
    ) -> ProcessResult:
        """Keeps messages whose keys differ. Raises whatever keeps them from being kept, and then none is."""
        names = references_of(messages, self._translators)
        seen = await self._look(messages, names, mappings)
        outcomes = {key: DUPLICATE for key, known in seen.known.items() if known.status == InboxStatus.DONE}
        waiting = [message for message in messages if message.key not in outcomes]
        translations = translate(waiting, names, self._translators, seen.knowledge)
        changes = [each for each in translations if not is_unchanged(each, seen)]
        kept, receipt = await self._write(changes, names, beside)
        outcomes |= outcomes_of(translations, kept.changed, receipt.signals)
        outcomes |= {each.message.key: DUPLICATE for each in changes if each.message.key not in kept.changed}
        return ProcessResult(outcomes, changes, seen.knowledge)

    async def knowledge(self, messages: Sequence[Message], mappings: Mappings) -> TranslationInputs:
        """What these messages would be understood by now."""
        return (await self._look(messages, references_of(messages, self._translators), mappings)).knowledge

    async def _look(self, messages: Iterable[Message], names: Names, mappings: Mappings) -> LookupResult:
        named = [key for message in messages for key in names[message.key]]

        async def work(connection: AsyncConnection) -> LookupResult:
            known = await inbox_store.existing(connection, [message.key for message in messages])
            courses = await self._engine.context.courses.courses(connection)
            return LookupResult(
                known, TranslationInputs(courses, mappings, await reference_store.references(connection, named))
            )

        return await self._engine.database.run_read(work)

    async def _write(
        self, translations: Sequence[Translation], names: Names, beside: TransactionHook | None
    ) -> tuple[InsertResult, Receipt]:
        kept: list[InsertResult] = []

        async def alongside(connection: AsyncConnection) -> None:
            kept.append(await save_translations(connection, translations, names, self._engine.context.shard))
            if beside is not None:
                await beside(connection, kept[-1].new)

        if not translations and beside is None:
            return NOTHING_WRITTEN
        events = [translation.event for translation in translations if translation.event is not None]
        receipt = await self._engine.ingest.submit(events, alongside)
        return kept[-1], receipt


def is_unchanged(translation: Translation, seen: LookupResult) -> bool:
    """Whether the message is parked already, for this very reason."""
    known = seen.known.get(translation.message.key)
    return known is not None and translation.reason is not None and translation.reason == known.reason


async def save_translations(
    connection: AsyncConnection, translations: Sequence[Translation], names: Names, shard: int
) -> InsertResult:
    """Keeps messages whose keys differ, done or parked. Each is counted once, under this process's `shard`."""
    if not translations:
        return NOTHING_INSERTED
    kept = await inbox_store.save_messages(connection, [row(translation, names) for translation in translations])
    await reference_store.save_reference_data(
        connection, [fact for translation in translations for fact in translation.facts]
    )
    new = [translation.message for translation in translations if translation.message.key in kept.new]
    await message_counts.add(connection, [(m.received_at, m.source, m.topic, m.type) for m in new], shard)
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
