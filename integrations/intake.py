"""Intake: messages are understood by what is known now, and kept, with all that they amount to, in one transaction."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.engine import Engine
from engine.submission import Receipt
from integrations import facts_store, inbox_store
from integrations.inbox_store import Kept, Known
from integrations.keeping import NOTHING, keep
from integrations.mapping import Mappings
from integrations.message import InboxStatus, Message, MessageKey
from integrations.outcome import REPEATED, Outcome, outcomes_of
from integrations.systems import System
from integrations.translation import Knowledge, Names, Translation, names_of, translate

Beside = Callable[[AsyncConnection, Set[MessageKey]], Awaitable[None]]
"""Something else to write in the transaction that keeps messages; it is told which of them are new, maybe none."""

NOTHING_WRITTEN = (NOTHING, Receipt(0, 0, []))


class TakenIn(NamedTuple):
    """What became of messages, which of them said something new, and what all of them were understood by."""

    outcomes: dict[MessageKey, Outcome]
    changes: Sequence[Translation]
    knowledge: Knowledge


class Seen(NamedTuple):
    """What became of those of some messages that were kept before, and what they are all understood by."""

    known: Mapping[MessageKey, Known]
    knowledge: Knowledge


class Intake:
    """Has the engine record what messages of these systems prove."""

    def __init__(self, engine: Engine, systems: Mapping[str, System]) -> None:
        self._engine = engine
        self._translators = {source: system.translator for source, system in systems.items()}

    async def take_in(self, messages: Sequence[Message], mappings: Mappings, beside: Beside | None = None) -> TakenIn:
        """Keeps messages whose keys differ. Raises whatever keeps them from being kept, and then none is."""
        names = names_of(messages, self._translators)
        seen = await self._look(messages, names, mappings)
        outcomes = {key: REPEATED for key, known in seen.known.items() if known.status == InboxStatus.DONE}
        waiting = [message for message in messages if message.key not in outcomes]
        translations = translate(waiting, names, self._translators, seen.knowledge)
        changes = [each for each in translations if not says_nothing_new(each, seen)]
        kept, receipt = await self._write(changes, names, beside)
        outcomes |= outcomes_of(translations, kept.changed, receipt.signals)
        outcomes |= {each.message.key: REPEATED for each in changes if each.message.key not in kept.changed}
        return TakenIn(outcomes, changes, seen.knowledge)

    async def knowledge(self, messages: Sequence[Message], mappings: Mappings) -> Knowledge:
        """What these messages would be understood by now."""
        return (await self._look(messages, names_of(messages, self._translators), mappings)).knowledge

    async def _look(self, messages: Iterable[Message], names: Names, mappings: Mappings) -> Seen:
        named = [key for message in messages for key in names[message.key]]

        async def work(connection: AsyncConnection) -> Seen:
            known = await inbox_store.known(connection, [message.key for message in messages])
            courses = await self._engine.context.courses.courses(connection)
            return Seen(known, Knowledge(courses, mappings, await facts_store.references(connection, named)))

        return await self._engine.database.query(work)

    async def _write(
        self, translations: Sequence[Translation], names: Names, beside: Beside | None
    ) -> tuple[Kept, Receipt]:
        kept: list[Kept] = []

        async def alongside(connection: AsyncConnection) -> None:
            kept.append(await keep(connection, translations, names, self._engine.context.shard))
            if beside is not None:
                await beside(connection, kept[-1].new)

        if not translations and beside is None:
            return NOTHING_WRITTEN
        events = [translation.event for translation in translations if translation.event is not None]
        receipt = await self._engine.ingest.submit(events, alongside)
        return kept[-1], receipt


def says_nothing_new(translation: Translation, seen: Seen) -> bool:
    """Whether the message is parked already, for this very reason."""
    known = seen.known.get(translation.message.key)
    return known is not None and translation.reason is not None and translation.reason == known.reason
