"""Activities in the database: who did what and when, each with its message in the inbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.dialects import insert
from eventstore.tables import lms_activity


class ActivityRow(NamedTuple):
    """A row of `lms_activity`, less when a mentor was told of it. Times UTC."""

    user_id: str
    message_id: str
    type: str
    occurred_at: datetime
    noticed_at: datetime


_columns = [lms_activity.c[name] for name in ActivityRow._fields]
_rows = batch("rows", *_columns)
INSERT = (
    insert(lms_activity)
    .from_select(
        [c.name for c in _columns], select(*_rows.c).where(true()).order_by(_rows.c.user_id, _rows.c.message_id)
    )
    .on_conflict_do_nothing()
)
"""Keeps activities, each once."""


async def keep(connection: AsyncConnection, rows: Sequence[ActivityRow]) -> None:
    """Keeps activities."""
    if rows:
        await connection.execute(INSERT, {"rows": rows})
