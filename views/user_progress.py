"""v_user_progress: how far each learner got in each class. All other pages are built on it."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Integer, Select, Text, bindparam, column, select, table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import UtcTime
from views.page import KeyText, Page, apply_filters, decode, keyset_after, page, row_to_model


def definition(_: Dialect) -> str:
    """Return the view's SELECT."""
    return """
    SELECT user_id,
           class_id,
           course_id,
           video_max_position_sec,
           CASE WHEN video_completed_at IS NULL THEN 0 ELSE 1 END AS video_completed,
           CASE WHEN quiz_passed_at IS NULL THEN 0 ELSE 1 END AS quiz_passed,
           quiz_score,
           video_completed_at,
           quiz_passed_at
    FROM lms_progress
    """


v_user_progress = table(
    "v_user_progress",
    column("user_id", Text),
    column("class_id", Text),
    column("course_id", Text),
    column("video_max_position_sec", Integer),
    column("video_completed", Integer),
    column("quiz_passed", Integer),
    column("quiz_score", Integer),
    column("video_completed_at", UtcTime),
    column("quiz_passed_at", UtcTime),
)


class UserProgress(BaseModel):
    """A learner in one class. Positions are whole seconds; the best score is floored; times are UTC."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "ada",
                    "class_id": "intro",
                    "course_id": "python-101",
                    "video_max_position_sec": 280,
                    "video_completed": 1,
                    "quiz_passed": 1,
                    "quiz_score": 8,
                    "video_completed_at": "2026-01-15T09:30:00Z",
                    "quiz_passed_at": "2026-01-15T09:40:00Z",
                }
            ]
        },
    )

    user_id: str
    class_id: str
    course_id: str | None
    video_max_position_sec: int
    video_completed: int
    quiz_passed: int
    quiz_score: int | None
    video_completed_at: datetime | None
    quiz_passed_at: datetime | None


def select_page(limit: int, cursor: str | None, filters: dict[str, str]) -> Select[Any]:
    """Select rows with these column values by learner and class behind the cursor."""
    v = v_user_progress.c
    query = select(v_user_progress).order_by(v.user_id, v.class_id).limit(limit + 1)
    query = apply_filters(query, v_user_progress, filters)
    if cursor is not None:
        user_id, class_id = decode(cursor, KeyText, KeyText)
        query = query.where(keyset_after((v.user_id, user_id), (v.class_id, class_id)))
    return query


async def read(
    connection: AsyncConnection, limit: int, cursor: str | None = None, **filters: str
) -> Page[UserProgress]:
    """Return a page of rows, filtered by `user_id`, `class_id`, `course_id`.

    Raise InvalidInputError for a foreign cursor.
    """
    rows = (await connection.execute(select_page(limit, cursor, filters))).all()
    return page(rows, limit, row_to_model(UserProgress), lambda row: (row.user_id, row.class_id))


SELECT_LEARNER = select(v_user_progress).where(v_user_progress.c.user_id == bindparam("user_id"))
"""All rows of one learner."""


async def read_learner(connection: AsyncConnection, user_id: str) -> list[UserProgress]:
    """Return all rows of one learner."""
    rows = await connection.execute(SELECT_LEARNER, {"user_id": user_id})
    return list(map(row_to_model(UserProgress), rows))
