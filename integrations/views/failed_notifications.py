"""Notifications that failed: of which activity, to which mentor, by which channel and why."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row, Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import json_text
from eventstore.db.json_rows import json_rows
from integrations.tables import DeliveryStatus, lms_delivery
from signals.tables import lms_outbox
from views.page import Int64, KeyText, Page, decode, keyset_after, page

_d, _o = lms_delivery.c, lms_outbox.c

HAS_FAILED = _d.status.in_((DeliveryStatus.DEAD, DeliveryStatus.PENDING)) & (_d.attempts > 0)
"""The condition of a delivery that is dead, or that is pending and was attempted."""


_keys = json_rows("keys", _o.user_id, _o.message_id)
SELECT_ABOUT = select(
    _o.user_id.label("mentor_id"),
    _o.message_id,
    json_text(_o.body, literal_column("'user_id'")).label("user_id"),
    json_text(_o.body, literal_column("'message_id'")).label("activity"),
).join(_keys, (_o.user_id == _keys.c.user_id) & (_o.message_id == _keys.c.message_id))
"""Of which activity of whom some announcements tell."""


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
    """Deliveries that failed, of these types, by status and sink, the first announced first, after the cursor."""
    query = select(lms_delivery).where(HAS_FAILED, _d.type.in_(types))
    query = query.order_by(_d.status, _d.sink, _d.seq).limit(limit + 1)
    if cursor is not None:
        status, sink, seq = decode(cursor, KeyText, KeyText, Int64)
        query = query.where(keyset_after((_d.status, status), (_d.sink, sink), (_d.seq, seq)))
    return query


async def read(
    connection: AsyncConnection, types: Collection[str], limit: int, cursor: str | None = None
) -> Page[FailedNotification]:
    """A page of notifications that failed, which are announcements of these types."""
    rows = (await connection.execute(select_page(types, limit, cursor))).all()
    keys = [(row.user_id, row.message_id) for row in rows]
    found = await connection.execute(SELECT_ABOUT, {"keys": keys})
    about = {(row.mentor_id, row.message_id): row._asdict() for row in found}

    def show(row: Row[Any]) -> FailedNotification:
        return FailedNotification.model_validate(row._asdict() | about[row.user_id, row.message_id])

    return page(rows, limit, show, lambda row: (row.status, row.sink, row.seq))
