"""Translating: what messages amount to, by what is known when they are looked at. Pure.

What cannot be translated yet is parked, with the reason.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from eventstore.envelope import validate
from eventstore.errors import InvalidInputError, UnresolvedReferenceError
from eventstore.event import Event
from integrations.inbound.mapping import Mappings
from integrations.inbound.message import Message, MessageKey
from integrations.inbound.reference_data import Fact, Key, Reference, latest
from integrations.inbound.translator import TranslationContext, Translator
from integrations.tables import InboxStatus
from signals.course_catalog import CourseCatalog

Names = Mapping[MessageKey, Collection[Key]]
"""Which references messages name."""


class TranslationInputs(NamedTuple):
    """What messages are understood by, all systems together."""

    courses: CourseCatalog
    mappings: Mappings
    references: Mapping[Key, Reference]

    def is_within(self, other: "TranslationInputs") -> bool:
        """Whether the other one has nothing of this wrong or missing."""
        return (
            self.courses.versions == other.courses.versions
            and self.mappings is other.mappings
            and all(other.references.get(key) == known for key, known in self.references.items())
        )

    def of(self, source: str) -> TranslationContext:
        """What the messages of one source are understood by. What was deleted there is not known any more."""
        known = {
            (r.kind, r.external_id): r for r in self.references.values() if r.source == source and not r.is_deleted
        }
        return TranslationContext(self.courses, self.mappings.of(source), known)

    def and_told(self, facts: Iterable[Fact]) -> "TranslationInputs":
        """What is known once these facts are told."""
        told = [fact for fact in facts if isinstance(fact, Reference)]
        return self._replace(references=latest([*self.references.values(), *told])) if told else self


class Translation(NamedTuple):
    """What a message amounts to: an event if it proves something, and facts; or the `reason` why it is parked."""

    message: Message
    event: Event | None = None
    facts: tuple[Fact, ...] = ()
    reason: str | None = None

    @property
    def status(self) -> InboxStatus:
        return InboxStatus.DONE if self.reason is None else InboxStatus.PARKED


def references_of(messages: Iterable[Message], translators: Mapping[str, Translator]) -> Names:
    """The references that each message names."""
    return {
        message.key: [(message.source, *named) for named in translators[message.source].references(message)]
        for message in messages
    }


def translate(
    messages: Collection[Message], names: Names, translators: Mapping[str, Translator], knowledge: TranslationInputs
) -> list[Translation]:
    """What each message amounts to. One may name a reference that another of them tells of."""
    telling = [message for message in messages if not names[message.key]]
    naming = [message for message in messages if names[message.key]]
    told = _translate_each(telling, translators, knowledge)
    facts = [fact for translation in told for fact in translation.facts]
    return told + _translate_each(naming, translators, knowledge.and_told(facts))


def _translate_each(
    messages: Collection[Message], translators: Mapping[str, Translator], knowledge: TranslationInputs
) -> list[Translation]:
    worlds = {source: knowledge.of(source) for source in {message.source for message in messages}}
    return [_translate(message, translators[message.source], worlds[message.source]) for message in messages]


def _translate(message: Message, translator: Translator, world: TranslationContext) -> Translation:
    """An event occurred when its sender says, and was recorded on receipt."""
    try:
        effects = translator.translate(message, world)
        posted = effects.envelope
        event = None if posted is None else validate(posted, message.received_at, message.source)
    except (UnresolvedReferenceError, InvalidInputError) as reason:
        return Translation(message, reason=str(reason))
    return Translation(message, event, effects.facts)
