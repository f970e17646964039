"""Learners' names, as other systems sent them, for pages that people read."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.json_rows import json_rows
from signals.tables import lms_profile

NAME = "name"
FIRST_NAME = "first_name"
LAST_NAME = "last_name"
"""The fields of a profile with a name: the whole name, or its two parts."""

_p = lms_profile.c
_users = json_rows("users", _p.user_id)

SELECT_PROFILES = select(_p.user_id, _p.field, _p.value).join(_users, _p.user_id == _users.c.user_id)
"""The profile fields of some learners."""


async def read(connection: AsyncConnection, user_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of these learners, as far as they are known."""
    profiles: dict[str, dict[str, str]] = {}
    rows = await connection.execute(SELECT_PROFILES, {"users": [(user_id,) for user_id in user_ids]})
    for user_id, field, value in rows:
        profiles.setdefault(user_id, {})[field] = value
    names = {user_id: name_of(profile) for user_id, profile in profiles.items()}
    return {user_id: name for user_id, name in names.items() if name}


def name_of(profile: Mapping[str, str]) -> str:
    """Return the whole name if it is known, else its known parts."""
    parts = (profile.get(field, "").strip() for field in (FIRST_NAME, LAST_NAME))
    return profile.get(NAME, "").strip() or " ".join(part for part in parts if part)
