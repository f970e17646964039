"""v_event_daily_stats: how many events of each type occurred on each UTC day."""

from datetime import date
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Date, Integer, Select, Text, column, func, select, table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.tables import lms_event_daily
from views.page import KeyText, Page, decode, keyset_after, page, row_to_model

_d = lms_event_daily.c
COUNTS = select(_d.day, _d.type, func.sum(_d.events).label("events")).group_by(_d.day, _d.type)
"""The view's SELECT. Pages select from it directly: from the view, SQLite would sum everything first."""


def definition(dialect: Dialect) -> str:
    """Return the view's SELECT as SQL."""
    return str(COUNTS.compile(dialect=dialect))


v_event_daily_stats = table("v_event_daily_stats", column("day", Date), column("type", Text), column("events", Integer))


class DailyStats(BaseModel):
    """The number of events of a type on a UTC day."""

    day: date
    type: str
    events: int


def select_page(limit: int, cursor: str | None) -> Select[Any]:
    """Select counts behind the cursor, the newest day first."""
    query = COUNTS.order_by(_d.day.desc(), _d.type.desc()).limit(limit + 1)
    if cursor is not None:
        day, kind = decode(cursor, date, KeyText)
        query = query.where(keyset_after((_d.day, day), (_d.type, kind), descending=True))
    return query


async def read(connection: AsyncConnection, limit: int, cursor: str | None = None) -> Page[DailyStats]:
    """Return a page of counts, the newest day first."""
    rows = (await connection.execute(select_page(limit, cursor))).all()
    return page(rows, limit, row_to_model(DailyStats), lambda row: (row.day, row.type))
