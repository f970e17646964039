"""The audit trail: events as they were received, the latest first."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.tables import lms_event
from views.page import Int64, KeyTime, Page, apply_filters, decode, keyset_after, page


class EventItem(BaseModel):
    """An event. `payload` is as received, in whatever version; times are UTC."""

    seq: int
    event_id: str
    type: str
    version: str
    user_id: str
    class_id: str
    course_id: str | None
    payload: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime
    source: str
    correlation_id: str | None


def select_page(limit: int, cursor: str | None, filters: dict[str, str]) -> Select[Any]:
    """Select events with these column values behind the cursor, the latest first."""
    e = lms_event.c
    query = select(lms_event).order_by(e.occurred_at.desc(), e.seq.desc()).limit(limit + 1)
    query = apply_filters(query, lms_event, filters)
    if cursor is not None:
        occurred_at, seq = decode(cursor, KeyTime, Int64)
        query = query.where(keyset_after((e.occurred_at, occurred_at), (e.seq, seq), descending=True))
    return query


async def read(connection: AsyncConnection, limit: int, cursor: str | None = None, **filters: str) -> Page[EventItem]:
    """Return a page of events, filtered by `user_id` and `type`. Raise InvalidInputError for a foreign cursor."""
    rows = (await connection.execute(select_page(limit, cursor, filters))).all()
    return page(rows, limit, _item, lambda row: (row.occurred_at, row.seq))


def _item(row: Row[Any]) -> EventItem:
    return EventItem.model_validate(row._asdict() | {"payload": from_json(row.payload)})
