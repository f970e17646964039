"""What messages say of learners, as facts: one word for a role, whichever system says it."""

from collections.abc import Mapping
from datetime import datetime

from integrations.facts import Profile, ProfileField

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
