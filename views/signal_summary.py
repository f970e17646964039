"""v_signal_summary: how many signals of each type each learner has."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Integer, Select, Text, column, select, table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from views.page import KeyText, Page, after, decode, page


def definition(_: Dialect) -> str:
    """The view's SELECT."""
    return "SELECT user_id, type, count(*) AS signals FROM lms_signal GROUP BY user_id, type"


v_signal_summary = table("v_signal_summary", column("user_id", Text), column("type", Text), column("signals", Integer))


class SignalSummary(BaseModel):
    """How many signals of a type a learner has."""

    model_config = ConfigDict(from_attributes=True)

    user_id: str
    type: str
    signals: int


def select_page(limit: int, cursor: str | None, user_id: str | None) -> Select[Any]:
    """Counts by learner and type, after the cursor."""
    v = v_signal_summary.c
    query = select(v_signal_summary).order_by(v.user_id, v.type).limit(limit + 1)
    if user_id is not None:
        query = query.where(v.user_id == user_id)
    if cursor is not None:
        last_user_id, kind = decode(cursor, KeyText, KeyText)
        query = query.where(after((v.user_id, last_user_id), (v.type, kind)))
    return query


async def read(
    connection: AsyncConnection, limit: int, cursor: str | None = None, user_id: str | None = None
) -> Page[SignalSummary]:
    """A page of counts, of one learner or of all."""
    rows = (await connection.execute(select_page(limit, cursor, user_id))).all()
    return page(rows, limit, SignalSummary.model_validate, lambda row: (row.user_id, row.type))
