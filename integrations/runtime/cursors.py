"""Cursors: how far something is read that others write, in the database; moved in the transaction that keeps it."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from integrations.tables import lms_cursor

_c = lms_cursor.c

SELECT = select(_c.position, _c.moved_at).where(_c.name == bindparam("cursor"))
"""Where a cursor is, and since when."""

_insert = insert(lms_cursor).values({c.name: bindparam(c.name, type_=c.type) for c in _c})
MOVE = _insert.on_conflict_do_update(
    index_elements=[_c.name],
    set_={"position": _insert.excluded.position, "moved_at": _insert.excluded.moved_at},
)
"""Moves a cursor, one that is new included."""


class Cursor(NamedTuple):
    """`position` is JSON text; moved there at a time in UTC."""

    position: str
    moved_at: datetime


async def find(connection: AsyncConnection, name: str) -> Cursor | None:
    """The cursor of that name, if there is one."""
    row = (await connection.execute(SELECT, {"cursor": name})).one_or_none()
    return None if row is None else Cursor(*row)


async def advance(connection: AsyncConnection, name: str, position: str, now: datetime) -> None:
    """Moves the cursor of that name."""
    await connection.execute(MOVE, {"name": name, "position": position, "moved_at": now})
