"""Learners' names, as other systems said them, for whoever shows learners to people."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.json_rows import json_rows
from signals.tables import lms_profile

NAME = "name"
FIRST_NAME = "first_name"
LAST_NAME = "last_name"
"""The fields of a profile that say a name: the whole of it, or its two parts."""

_p = lms_profile.c
_users = json_rows("users", _p.user_id)

SELECT_PROFILES = select(_p.user_id, _p.field, _p.value).join(_users, _p.user_id == _users.c.user_id)
"""What is known of some learners."""


async def read(connection: AsyncConnection, user_ids: Iterable[str]) -> dict[str, str]:
    """The names of those learners who have one that we know."""
    profiles: dict[str, dict[str, str]] = {}
    rows = await connection.execute(SELECT_PROFILES, {"users": [(user_id,) for user_id in user_ids]})
    for user_id, field, value in rows:
        profiles.setdefault(user_id, {})[field] = value
    names = {user_id: name_of(profile) for user_id, profile in profiles.items()}
    return {user_id: name for user_id, name in names.items() if name}


def name_of(profile: Mapping[str, str]) -> str:
    """The whole name if somebody said it, else what there is of its parts."""
    parts = (profile.get(field, "").strip() for field in (FIRST_NAME, LAST_NAME))
    return profile.get(NAME, "").strip() or " ".join(part for part in parts if part)
