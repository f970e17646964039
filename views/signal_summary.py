"""v_signal_summary: how many signals of each type each learner has."""

from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from signals.tables import lms_signal
from views.page import KeyText, Page, decode, keyset_after, page, row_to_model

_s = lms_signal.c
COUNTS = select(_s.user_id, _s.type, func.count().label("signals")).group_by(_s.user_id, _s.type)
"""The view's SELECT. Pages select from it directly: from the view, SQLite would count everything first."""


def definition(dialect: Dialect) -> str:
    """Return the view's SELECT as SQL."""
    return str(COUNTS.compile(dialect=dialect))


class SignalSummary(BaseModel):
    """The number of signals of a type that a learner has."""

    user_id: str
    type: str
    signals: int


def select_page(limit: int, cursor: str | None, user_id: str | None) -> Select[Any]:
    """Select counts by learner and type behind the cursor."""
    query = COUNTS.order_by(_s.user_id, _s.type).limit(limit + 1)
    if user_id is not None:
        query = query.where(_s.user_id == user_id)
    if cursor is not None:
        last_user_id, kind = decode(cursor, KeyText, KeyText)
        query = query.where(keyset_after((_s.user_id, last_user_id), (_s.type, kind)))
    return query


async def read(
    connection: AsyncConnection, limit: int, cursor: str | None = None, user_id: str | None = None
) -> Page[SignalSummary]:
    """Return a page of counts, of one learner or of all."""
    rows = (await connection.execute(select_page(limit, cursor, user_id))).all()
    return page(rows, limit, row_to_model(SignalSummary), lambda row: (row.user_id, row.type))
