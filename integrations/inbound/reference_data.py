"""Facts: what integration messages tell of besides what learners did. Small, and each worth its last word only.

A fact that was said later replaces one said earlier, whatever order they arrive in.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from views import learner_names

END = datetime.max.replace(tzinfo=UTC)

Key = tuple[str, ...]
"""What a fact is about."""

Precedence = tuple[Any, ...]
"""Of two facts on the same thing, that of the higher rank counts."""


class ProfileField(StrEnum):
    """What is known of a learner. `name` is the whole name; some systems send its two parts instead."""

    NAME = learner_names.NAME
    FIRST_NAME = learner_names.FIRST_NAME
    LAST_NAME = learner_names.LAST_NAME
    EMAIL = "email"
    ROLE = "role"


class Profile(NamedTuple):
    """One field of what is known of a learner, as said at a time (UTC)."""

    user_id: str
    field: ProfileField
    value: str
    said_at: datetime

    @property
    def key(self) -> Key:
        return (self.user_id, self.field)

    @property
    def precedence(self) -> Precedence:
        return (self.said_at, self.value)


class Enrolment(NamedTuple):
    """A learner is to take a course of ours. The earliest of several counts."""

    user_id: str
    course_id: str
    enrolled_at: datetime

    @property
    def key(self) -> Key:
        return (self.user_id, self.course_id)

    @property
    def precedence(self) -> Precedence:
        return (END - self.enrolled_at,)


class Media(NamedTuple):
    """The video of a class of ours, and how long it takes in seconds."""

    class_id: str
    media_id: str
    duration_sec: int
    said_at: datetime

    @property
    def key(self) -> Key:
        return (self.class_id,)

    @property
    def precedence(self) -> Precedence:
        return (self.said_at, self.media_id, self.duration_sec)


class Reference(NamedTuple):
    """Something of another system that its messages name: of a `kind` (class, module, assignment, …), by its id there.

    `details` is a JSON object as text, empty for what was deleted (`is_deleted`). '' is no name.
    """

    source: str
    kind: str
    external_id: str
    name: str | None
    details: str
    said_at: datetime
    is_deleted: bool = False

    @property
    def key(self) -> Key:
        return (self.source, self.kind, self.external_id)

    @property
    def precedence(self) -> Precedence:
        return (self.said_at, self.is_deleted, self.name or "", self.details)


Fact = Profile | Enrolment | Media | Reference

SomeFact = TypeVar("SomeFact", bound=Fact)


def latest(facts: Iterable[SomeFact]) -> dict[Key, SomeFact]:
    """Of facts of one sort, those that count, by what they are about. Their order does not matter."""
    last: dict[Key, SomeFact] = {}
    for fact in facts:
        if fact.key not in last or fact.precedence > last[fact.key].precedence:
            last[fact.key] = fact
    return last


ROLES = {"siswa": "student"}
"""Roles that have a name of their own in some system; others differ in their capitals at most."""


def profiles(user_id: str, said: Mapping[ProfileField, str | None], said_at: datetime) -> tuple[Profile, ...]:
    """A fact for each field that is said."""
    return tuple(
        Profile(user_id, field, role(value) if field is ProfileField.ROLE else value, said_at)
        for field, value in said.items()
        if value is not None
    )


def role(said: str) -> str:
    said = said.casefold()
    return ROLES.get(said, said)
