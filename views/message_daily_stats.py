"""v_message_daily_stats: how many integration messages of each source, topic and type were kept on each UTC day."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, func, select, true
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_message_daily
from views.page import KeyText, Page, decode, keyset_after, page, row_to_model

_d = lms_message_daily.c
_key = (_d.day, _d.source, _d.topic, _d.type)
COUNTS = select(*_key, func.sum(_d.messages).label("messages")).group_by(*_key)
"""The view's SELECT. Pages are taken of it and not of the view, of which SQLite would add up all first."""


def definition(dialect: Dialect) -> str:
    """The view's SELECT, as SQL."""
    return str(COUNTS.compile(dialect=dialect))


_counts = json_rows("counts", *_d)
_insert = insert(lms_message_daily).from_select(
    [c.name for c in _d], select(*_counts.c).where(true()).order_by(*(_counts.c[c.name] for c in _key))
)
ADD = _insert.on_conflict_do_update(
    index_elements=[*_key, _d.shard], set_={"messages": _d.messages + _insert.excluded.messages}
)
"""Adds to the counts of some days, sources, topics and types."""


class MessageStats(BaseModel):
    """How many messages of a type were found in a topic of a source, and kept for the first time, on a UTC day."""

    day: date
    source: str
    topic: str
    type: str
    messages: int


async def record(connection: AsyncConnection, kept: Iterable[tuple[datetime, str, str, str]], shard: int) -> None:
    """Counts messages in, each by when it was received, its source, topic and type, under this process's `shard`."""
    counts = Counter((received_at.astimezone(UTC).date(), *sort) for received_at, *sort in kept)
    if counts:
        await connection.execute(ADD, {"counts": [(*key, shard, number) for key, number in counts.items()]})


def select_page(limit: int, cursor: str | None) -> Select[Any]:
    """Counts, the newest day first, after the cursor."""
    query = COUNTS.order_by(*(column.desc() for column in _key)).limit(limit + 1)
    if cursor is not None:
        last = decode(cursor, date, KeyText, KeyText, KeyText)
        query = query.where(keyset_after(*zip(_key, last, strict=True), descending=True))
    return query


async def read(connection: AsyncConnection, limit: int, cursor: str | None = None) -> Page[MessageStats]:
    """A page of counts, the newest day first."""
    rows = (await connection.execute(select_page(limit, cursor))).all()
    return page(rows, limit, row_to_model(MessageStats), lambda row: (row.day, row.source, row.topic, row.type))
