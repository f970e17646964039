"""What a message amounts to: an event of ours, facts, or nothing but that it was sent."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from integrations.inbound.mapping import SystemMapping
from integrations.inbound.message import Message
from integrations.inbound.reference_data import Fact, Reference
from signals.course_catalog import CourseCatalog


class TranslationResult(NamedTuple):
    """`envelope` as `POST /v1/events` takes it, if the message proves that a learner did something; facts it tells."""

    envelope: Mapping[str, object] | None = None
    facts: tuple[Fact, ...] = ()


ReferenceKey = tuple[str, str]
"""A kind, and an id of the other system's."""


class TranslationContext(NamedTuple):
    """What a message is understood by: our courses, the operator's mapping of the system that sent it, and those
    references of that system which the message names and that are known."""

    courses: CourseCatalog
    mapping: SystemMapping
    references: Mapping[ReferenceKey, Reference]


class Translator(NamedTuple):
    """How the messages of one system are understood, once they are read. Both are pure.

    `names` tells which references a message needs; `translate` raises Unresolved while it cannot be translated yet.
    """

    translate: Callable[[Message, TranslationContext], TranslationResult]
    references: Callable[[Message], Iterable[ReferenceKey]] = lambda _message: ()
