"""v_message_daily_stats: how many integration messages of each source, topic and type were stored on each UTC day."""

from datetime import date
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, func, select
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.tables import lms_message_daily
from views.page import KeyText, Page, decode, keyset_after, page, row_to_model

_d = lms_message_daily.c
_key = (_d.day, _d.source, _d.topic, _d.type)
COUNTS = select(*_key, func.sum(_d.messages).label("messages")).group_by(*_key)
"""The view's SELECT. Pages select from it directly: from the view, SQLite would sum everything first."""


def definition(dialect: Dialect) -> str:
    """Return the view's SELECT as SQL."""
    return str(COUNTS.compile(dialect=dialect))


class MessageStats(BaseModel):
    """The number of messages of a type that were first stored from a topic of a source on a UTC day."""

    day: date
    source: str
    topic: str
    type: str
    messages: int


def select_page(limit: int, cursor: str | None) -> Select[Any]:
    """Select counts behind the cursor, the newest day first."""
    query = COUNTS.order_by(*(column.desc() for column in _key)).limit(limit + 1)
    if cursor is not None:
        last = decode(cursor, date, KeyText, KeyText, KeyText)
        query = query.where(keyset_after(*zip(_key, last, strict=True), descending=True))
    return query


async def read(connection: AsyncConnection, limit: int, cursor: str | None = None) -> Page[MessageStats]:
    """Return a page of counts, the newest day first."""
    rows = (await connection.execute(select_page(limit, cursor))).all()
    return page(rows, limit, row_to_model(MessageStats), lambda row: (row.day, row.source, row.topic, row.type))
