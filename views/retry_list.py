"""Parked events: what could not be projected, why, and when it is retried."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.tables import lms_retry
from views.page import KeyText, KeyTime, Page, decode, keyset_after, page, row_to_model


class RetryItem(BaseModel):
    """A parked event and rule. `last_error` has the traceback; times are UTC; dead ones are not retried."""

    retry_id: str
    user_id: str
    event_id: str
    rule: str
    attempts: int
    parked_at: datetime
    next_attempt_at: datetime
    last_error: str
    status: str


def select_page(limit: int, cursor: str | None, status: str | None) -> Select[Any]:
    """Select parked events behind the cursor, the longest parked first."""
    r = lms_retry.c
    query = select(lms_retry).order_by(r.parked_at, r.retry_id).limit(limit + 1)
    if status is not None:
        query = query.where(r.status == status)
    if cursor is not None:
        parked_at, retry_id = decode(cursor, KeyTime, KeyText)
        query = query.where(keyset_after((r.parked_at, parked_at), (r.retry_id, retry_id)))
    return query


async def read(
    connection: AsyncConnection, limit: int, cursor: str | None = None, status: str | None = None
) -> Page[RetryItem]:
    """Return a page of parked events, of one status or of any."""
    rows = (await connection.execute(select_page(limit, cursor, status))).all()
    return page(rows, limit, row_to_model(RetryItem), lambda row: (row.parked_at, row.retry_id))
