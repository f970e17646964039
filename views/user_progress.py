"""v_user_progress: how far each learner got in each class. All other pages are built on it.

Its columns follow from the fields of `Progress`: each is shown, and two times are also shown as flags.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy import ColumnElement, Select, bindparam, case, column, select, table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.progress import FIELDS
from projections.tables import lms_progress
from views.page import KeyText, Page, apply_filters, decode, keyset_after, page, row_to_model

FLAGS = {"video_completed": "video_completed_at", "quiz_passed": "quiz_passed_at"}
"""Columns that are 0 or 1, each with the time that it is 1 from."""

FIRST = ("video_max_position_sec", "video_completed", "quiz_passed", "quiz_score")
"""The first columns of progress; all other fields follow in the order of their declaration."""

_p = lms_progress.c
_shown = {
    field.column: field for field in FIELDS if field.column != "named_course_id" and field.join.column_type is None
}
NAMES = (*FIRST, *(name for name in _shown if name not in FIRST))


def _column(name: str) -> ColumnElement[Any]:
    if name in FLAGS:
        return case((_p[FLAGS[name]].is_(None), 0), else_=1).label(name)
    return _p[name]


COLUMNS = (_p.user_id, _p.class_id, _p.course_id, *map(_column, NAMES))

v_user_progress = table("v_user_progress", *(column(each.name, each.type) for each in COLUMNS))


def definition(dialect: Dialect) -> str:
    """Return the view's SELECT as SQL."""
    return str(select(*COLUMNS).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _type(name: str) -> Any:
    if name in FLAGS:
        return int
    field = _shown[name]
    return field.value_type if field.default is not None else field.value_type | None


_definitions: dict[str, Any] = {name: (_type(name), ...) for name in NAMES}
ProgressFields: type[BaseModel] = create_model(
    "ProgressFields", __doc__="The progress of one learner in one class.", **_definitions
)

NO_PROGRESS = {name: 0 if name in FLAGS else _shown[name].default for name in NAMES}
"""The progress of a class without events."""


class ClassKey(BaseModel):
    """A learner and a class, and the course that it is shown under."""

    user_id: str
    class_id: str
    course_id: str | None


class UserProgress(ProgressFields, ClassKey):
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
