"""Deliveries: what was announced to which sink, and what became of it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.tables import lms_delivery
from views.page import Int64, KeyText, Page, decode, keyset_after, page, row_to_model


class DeliveryItem(BaseModel):
    """One announcement to one sink: the name of a system, or the id of a subscription. Times UTC.

    `seq` orders those of a learner; `last_error` says why the last attempt failed; dead ones are not tried again.
    `receipt` is the receiver's own id of what arrived, where it gives one.
    """

    sink: str
    user_id: str
    message_id: str
    type: str
    seq: int
    status: str
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime
    last_error: str | None
    receipt: str | None
    sent_at: datetime | None


def select_page(limit: int, cursor: str | None, status: str | None) -> Select[Any]:
    """Deliveries by status and sink, those that were announced first first, after the cursor."""
    d = lms_delivery.c
    query = select(lms_delivery).order_by(d.status, d.sink, d.seq).limit(limit + 1)
    if status is not None:
        query = query.where(d.status == status)
    if cursor is not None:
        last_status, sink, seq = decode(cursor, KeyText, KeyText, Int64)
        query = query.where(keyset_after((d.status, last_status), (d.sink, sink), (d.seq, seq)))
    return query


async def read(
    connection: AsyncConnection, limit: int, cursor: str | None = None, status: str | None = None
) -> Page[DeliveryItem]:
    """A page of deliveries, of one status or of any."""
    rows = (await connection.execute(select_page(limit, cursor, status))).all()
    return page(rows, limit, row_to_model(DeliveryItem), lambda row: (row.status, row.sink, row.seq))
