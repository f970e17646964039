"""Storing progress: `lms_progress`, one row for each learner and class.

The caller holds the learners' locks, so loaded rows do not change before they are saved.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from projections.fold import ProgressKey
from projections.progress import FIELDS, Progress, decode, encode
from projections.tables import lms_progress


class ProgressRow(NamedTuple):
    """A row of `lms_progress`: the progress, and the course that the class is shown under."""

    user_id: str
    class_id: str
    course_id: str | None
    progress: Progress


_p = lms_progress.c
_keys = json_rows("keys", _p.user_id, _p.class_id)
_users = json_rows("users", _p.user_id)
_COLUMNS = (_p.user_id, _p.class_id, _p.course_id, *(_p[field.column] for field in FIELDS))
_rows = json_rows("rows", *_COLUMNS)

SELECT_BY_KEY = select(*_COLUMNS).join(_keys, (_p.user_id == _keys.c.user_id) & (_p.class_id == _keys.c.class_id))
"""The rows of some learners in some classes."""

SELECT_BY_USER = select(*_COLUMNS).join(_users, _p.user_id == _users.c.user_id)
"""All rows of some learners."""

_insert = insert(lms_progress).from_select([c.name for c in _COLUMNS], select(*_rows.c).where(true()))
UPSERT = _insert.on_conflict_do_update(
    index_elements=[_p.user_id, _p.class_id],
    set_={c.name: _insert.excluded[c.name] for c in _COLUMNS[2:]},
)
"""Inserts rows, or overwrites those with the same key."""


async def load(connection: AsyncConnection, keys: Collection[ProgressKey]) -> dict[ProgressKey, ProgressRow]:
    """Return the existing rows of these keys."""
    return _by_key(await connection.execute(SELECT_BY_KEY, {"keys": keys}))


async def load_learners(connection: AsyncConnection, user_ids: Collection[str]) -> dict[ProgressKey, ProgressRow]:
    """Return all rows of these learners."""
    return _by_key(await connection.execute(SELECT_BY_USER, {"users": [(user_id,) for user_id in user_ids]}))


async def save(connection: AsyncConnection, rows: Collection[ProgressRow]) -> None:
    """Insert or overwrite these rows."""
    if rows:
        values = [(row.user_id, row.class_id, row.course_id, *encode(row.progress)) for row in rows]
        await connection.execute(UPSERT, {"rows": values})


def _by_key(rows: Iterable[Any]) -> dict[ProgressKey, ProgressRow]:
    return {
        (user_id, class_id): ProgressRow(user_id, class_id, course_id, decode(progress))
        for user_id, class_id, course_id, *progress in rows
    }
