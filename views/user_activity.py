"""v_user_activity: when each learner was last active, and how many events occurred in the last 24 hours."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Integer, Select, Text, column, select, table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import UtcTime, hours_ago
from views.page import KeyText, Page, decode, keyset_after, page, row_to_model


def definition(dialect: Dialect) -> str:
    """Return the view's SELECT. It counts a learner's last day by an index, however long the log is.

    The time is a subselect, so that PostgreSQL does not plan by its statistics on recent events.
    """
    return f"""
    SELECT user_id,
           last_activity_at,
           (SELECT count(*) FROM lms_event
            WHERE lms_event.user_id = lms_learner.user_id
              AND lms_event.occurred_at > (SELECT {hours_ago(dialect, 24)})) AS events_24h
    FROM lms_learner
    """  # noqa: S608 - no input, a constant of ours


v_user_activity = table(
    "v_user_activity",
    column("user_id", Text),
    column("last_activity_at", UtcTime),
    column("events_24h", Integer),
)


class UserActivity(BaseModel):
    """When a learner was last active (UTC), and the number of events in the 24 hours before now."""

    user_id: str
    last_activity_at: datetime
    events_24h: int


def select_page(limit: int, cursor: str | None, user_id: str | None) -> Select[Any]:
    """Select learners by id behind the cursor."""
    v = v_user_activity.c
    query = select(v_user_activity).order_by(v.user_id).limit(limit + 1)
    if user_id is not None:
        query = query.where(v.user_id == user_id)
    if cursor is not None:
        query = query.where(keyset_after((v.user_id, decode(cursor, KeyText)[0])))
    return query


async def read(
    connection: AsyncConnection, limit: int, cursor: str | None = None, user_id: str | None = None
) -> Page[UserActivity]:
    """Return a page of learners by id, or the requested one."""
    rows = (await connection.execute(select_page(limit, cursor, user_id))).all()
    return page(rows, limit, row_to_model(UserActivity), lambda row: (row.user_id,))
