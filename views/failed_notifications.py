"""Notifications that failed: of which activity, to which mentor, by which channel and why."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.dialects import json_text
from eventstore.tables import lms_delivery, lms_outbox
from views.page import Int64, KeyText, Page, after, decode, page, shown_as

_d, _o = lms_delivery.c, lms_outbox.c

HAS_FAILED = (_d.status < "sent") & (_d.attempts > 0)
"""Of a delivery: it is dead, or pending and was tried; said so that the index by status is read in its order."""

SELECT = (
    select(
        json_text(_o.body, literal_column("'user_id'")).label("user_id"),
        json_text(_o.body, literal_column("'message_id'")).label("activity"),
        _d.type,
        _d.user_id.label("mentor_id"),
        _d.sink,
        _d.message_id,
        _d.status,
        _d.attempts,
        _d.last_error,
        _d.next_attempt_at,
        _d.seq,
    )
    .join_from(lms_delivery, lms_outbox, (_o.user_id == _d.user_id) & (_o.message_id == _d.message_id))
    .where(HAS_FAILED)
    .order_by(_d.status, _d.sink, _d.seq)
)
"""Deliveries that failed, with what was to be told."""


class FailedNotification(BaseModel):
    """A notification that has not arrived. `user_id` is the student's, `activity` its id; a summary has neither.

    `message_id` is the notification's own; dead ones are not tried again by themselves. Times UTC.
    """

    user_id: str | None
    activity: str | None
    type: str
    mentor_id: str
    sink: str
    message_id: str
    status: str
    attempts: int
    last_error: str | None
    next_attempt_at: datetime


def select_page(types: Collection[str], limit: int, cursor: str | None) -> Select[Any]:
    """Those of these types, by status and sink, the first announced first, after the cursor."""
    query = SELECT.where(_d.type.in_(types)).limit(limit + 1)
    if cursor is not None:
        status, sink, seq = decode(cursor, KeyText, KeyText, Int64)
        query = query.where(after((_d.status, status), (_d.sink, sink), (_d.seq, seq)))
    return query


async def read(
    connection: AsyncConnection, types: Collection[str], limit: int, cursor: str | None = None
) -> Page[FailedNotification]:
    """A page of notifications that failed, which are announcements of these types."""
    rows = (await connection.execute(select_page(types, limit, cursor))).all()
    return page(rows, limit, shown_as(FailedNotification), lambda row: (row.status, row.sink, row.seq))
