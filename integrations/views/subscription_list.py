"""Subscriptions: the URLs that are told of signals. Their secrets are not shown."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, field_validator
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.tables import lms_subscription
from views.page import KeyText, KeyTime, Page, decode, keyset_after, page, row_to_model

_s = lms_subscription.c


class SubscriptionItem(BaseModel):
    """A URL, and the types of signals that it is told of. Disabled is one whose receiver said that it is gone."""

    subscription_id: str
    url: str
    types: list[str]
    created_at: datetime
    disabled_at: datetime | None

    @field_validator("types", mode="before")
    @classmethod
    def split(cls, types: object) -> object:
        """The types as they are kept: names with blanks between them."""
        return types.split() if isinstance(types, str) else types


def select_page(limit: int, cursor: str | None) -> Select[Any]:
    """Subscriptions, the oldest first, after the cursor."""
    columns = [_s[name] for name in SubscriptionItem.model_fields]
    query = select(*columns).order_by(_s.created_at, _s.subscription_id).limit(limit + 1)
    if cursor is not None:
        created_at, subscription_id = decode(cursor, KeyTime, KeyText)
        query = query.where(keyset_after((_s.created_at, created_at), (_s.subscription_id, subscription_id)))
    return query


async def read(connection: AsyncConnection, limit: int, cursor: str | None = None) -> Page[SubscriptionItem]:
    """A page of subscriptions."""
    rows = (await connection.execute(select_page(limit, cursor))).all()
    return page(rows, limit, row_to_model(SubscriptionItem), lambda row: (row.created_at, row.subscription_id))
