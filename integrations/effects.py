"""What a message amounts to: an event of ours, facts, or nothing but that it was sent."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from integrations.facts import Fact, Reference
from integrations.mapping import SystemMapping
from integrations.message import Message
from signals.course_store import Courses


class Effects(NamedTuple):
    """`envelope` as `POST /v1/events` takes it, if the message proves that a learner did something; facts it tells."""

    envelope: Mapping[str, object] | None = None
    facts: tuple[Fact, ...] = ()


ReferenceKey = tuple[str, str]
"""A kind, and an id of the other system's."""


class World(NamedTuple):
    """What a message is understood by: our courses, the operator's mapping of the system that sent it, and those
    references of that system which the message names and that are known."""

    courses: Courses
    mapping: SystemMapping
    references: Mapping[ReferenceKey, Reference]


class Translator(NamedTuple):
    """How the messages of one system are understood, once they are read. Both are pure.

    `names` tells which references a message needs; `translate` raises Unresolved while it cannot be translated yet.
    """

    translate: Callable[[Message, World], Effects]
    names: Callable[[Message], Iterable[ReferenceKey]] = lambda _message: ()
