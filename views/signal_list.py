"""Signals, the latest first."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from signals.signal import SignalType
from signals.tables import lms_signal
from views.page import KeyTime, Page, apply_filters, decode, keyset_after, page, row_to_model


class SignalItem(BaseModel):
    """A signal. A class's own has no course, a course's no class; `xp` is what it earned; times are UTC."""

    signal_id: str
    type: SignalType
    user_id: str
    class_id: str | None
    course_id: str | None
    occurred_at: datetime
    xp: int


def select_page(limit: int, cursor: str | None, filters: dict[str, str]) -> Select[Any]:
    """Select signals with these column values behind the cursor, the latest first."""
    s = lms_signal.c
    query = select(lms_signal).order_by(s.occurred_at.desc(), s.signal_id.desc()).limit(limit + 1)
    query = apply_filters(query, lms_signal, filters)
    if cursor is not None:
        occurred_at, signal_id = decode(cursor, KeyTime, UUID)
        query = query.where(keyset_after((s.occurred_at, occurred_at), (s.signal_id, str(signal_id)), descending=True))
    return query


async def read(connection: AsyncConnection, limit: int, cursor: str | None = None, **filters: str) -> Page[SignalItem]:
    """Return a page of signals, filtered by `user_id`, `type`, `class_id` and `course_id`."""
    rows = (await connection.execute(select_page(limit, cursor, filters))).all()
    return page(rows, limit, row_to_model(SignalItem), lambda row: (row.occurred_at, row.signal_id))


SELECT_OF_COURSES = select(lms_signal).where(
    lms_signal.c.user_id == bindparam("user_id"),
    lms_signal.c.type.in_((SignalType.STEP_COMPLETED, SignalType.COURSE_COMPLETED)),
)
"""A learner's completed steps and courses."""


async def read_of_courses(connection: AsyncConnection, user_id: str) -> list[SignalItem]:
    """Return a learner's completed steps and courses."""
    rows = await connection.execute(SELECT_OF_COURSES, {"user_id": user_id})
    return list(map(row_to_model(SignalItem), rows))
