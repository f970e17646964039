"""The inbox: messages of other systems, what became of each, and for those that are parked the reason."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.tables import InboxStatus, lms_inbox
from views.page import KeyText, Page, decode, keyset_after, page, row_to_model

_i = lms_inbox.c
IS_PARKED = _i.status == literal_column(f"'{InboxStatus.PARKED}'")
"""The condition of the partial index on parked messages: with a parameter the index would not be used."""


class InboxItem(BaseModel):
    """One message, less its body. `user_id` and `event_id` are of the event that it gave, if it gave one."""

    source: str
    message_id: str
    type: str
    topic: str
    received_at: datetime
    status: str
    reason: str | None
    user_id: str | None
    event_id: str | None


def select_page(limit: int, cursor: str | None, status: str | None, source: str | None) -> Select[Any]:
    """Messages by source and id, after the cursor."""
    query = select(*(_i[name] for name in InboxItem.model_fields))
    query = query.order_by(_i.source, _i.message_id).limit(limit + 1)
    if status is not None:
        query = query.where(IS_PARKED if status == InboxStatus.PARKED else _i.status == status)
    if source is not None:
        query = query.where(_i.source == source)
    if cursor is not None:
        last_source, message_id = decode(cursor, KeyText, KeyText)
        query = query.where(keyset_after((_i.source, last_source), (_i.message_id, message_id)))
    return query


async def read(
    connection: AsyncConnection,
    limit: int,
    cursor: str | None = None,
    status: str | None = None,
    source: str | None = None,
) -> Page[InboxItem]:
    """A page of messages, of one status and one source or of any."""
    rows = (await connection.execute(select_page(limit, cursor, status, source))).all()
    return page(rows, limit, row_to_model(InboxItem), lambda row: (row.source, row.message_id))
