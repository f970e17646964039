"""Folding a range of learners in SQL into a shadow, with the rows of lms_learner.

Events that SQL cannot decide are few as a rule; Python folds them afterwards.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, Insert, Integer, MetaData, Table, bindparam, func, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.context import Context
from eventstore.db import Name, daily_counts, insert
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_event
from projections.fold import ProgressKey
from projections.sql_fold.fold import PROVED, select_fold, tmp_fold
from projections.tables import lms_event_daily, lms_learner, lms_progress
from signals.course_catalog import CourseCatalog

_e = lms_event.c
_d = lms_event_daily.c
_f = tmp_fold.c
_shown = json_rows("shown", lms_progress.c.class_id, lms_progress.c.course_id)

tmp_display_course = Table(
    "lms_shown",
    MetaData(),
    Column("class_id", Name, primary_key=True),
    Column("course_id", Name, nullable=False),
    prefixes=["TEMPORARY"],
)
"""The course under which each class is shown when its events name none, for one connection. A JSON batch has no index.
"""

INSERT_DISPLAY_COURSES = insert(tmp_display_course).from_select(["class_id", "course_id"], select(*_shown.c))
"""Fills that table."""

INSERT_PROGRESS = insert(lms_progress).from_select(
    ["user_id", "class_id", "course_id", "named_course_id", *(field.column for field in PROVED)],
    select(_f.user_id, _f.class_id, func.coalesce(_f.course_id, tmp_display_course.c.course_id), _f.course_id)
    .add_columns(*(_f[field.column] for field in PROVED))
    .outerjoin_from(tmp_fold, tmp_display_course, _f.class_id == tmp_display_course.c.class_id),
)
"""Copies the fold into lms_progress."""

_last_activity_at = (
    select(func.max(_e.occurred_at)).where(_e.user_id == _f.user_id, _e.seq <= bindparam("last")).scalar_subquery()
)
INSERT_LEARNERS = insert(lms_learner).from_select(
    ["user_id", "last_activity_at"], select(_f.user_id, _last_activity_at).group_by(_f.user_id)
)
"""Inserts the learners of the fold, with their last activity up to a seq: an index of the log has it at hand."""

SUMS = select(func.coalesce(func.sum(_f.events), 0), func.coalesce(func.sum(_f.undecided), 0))
"""The numbers of folded events, and of those that SQL could not decide."""

SELECT_UNDECIDED = select(_f.user_id, _f.class_id).where(_f.undecided > 0).limit(bindparam("limit"))
"""The classes with events that SQL could not decide."""


class Range(NamedTuple):
    """Learners with `after` < user_id <= `until`, all behind `after` if `until` is None; their events up to the seq
    `last`.
    """

    after: str
    until: str | None
    last: int


class FoldResult(NamedTuple):
    """The number of folded events, how many are undecided, and the classes of these (not all, if there are too many).

    `refused` is the reason why the database rejected the whole fold.
    """

    events: int = 0
    undecided: int = 0
    keys: Sequence[ProgressKey] = ()
    refused: str | None = None


async def fold_range(shadow: Database, chunk: Range, context: Context, _now: datetime) -> FoldResult:
    """Fold a range into the shadow, which has no row of it yet."""
    try:
        return await _fold(shadow, chunk, context)
    except DBAPIError as error:
        return FoldResult(refused=str(error.orig))


async def _fold(shadow: Database, chunk: Range, context: Context) -> FoldResult:
    folded = FoldResult()

    async def stage(connection: AsyncConnection) -> None:
        nonlocal folded
        for table in (tmp_fold, tmp_display_course):
            await connection.run_sync(table.create, checkfirst=False)
        folding = insert(tmp_fold).from_select(list(_f.keys()), select_fold(context.rules))
        await connection.execute(folding, chunk._asdict())
        courses = await context.courses.courses(connection)
        await connection.execute(INSERT_DISPLAY_COURSES, {"shown": display_courses(courses)})
        folded = await _fold_result(connection, context.limits.undecided_events)

    # Others may wait for this transaction, so `stage` computes all rows before it.
    async with shadow.write_staged(stage) as connection:
        await connection.execute(INSERT_PROGRESS)
        await connection.execute(INSERT_LEARNERS, {"last": chunk.last})
        for table in (tmp_fold, tmp_display_course):
            await connection.run_sync(table.drop, checkfirst=False)
    return folded


async def _fold_result(connection: AsyncConnection, limit: int) -> FoldResult:
    events, undecided = map(int, (await connection.execute(SUMS)).one())  # PostgreSQL's sum is a Decimal
    keys = [tuple(key) for key in await connection.execute(SELECT_UNDECIDED, {"limit": limit})]
    return FoldResult(events, undecided, keys)


async def count_days(shadow: Database, last: int, context: Context) -> None:
    """Count all events up to the seq `last` by day and type into the shadow, which has no counts yet."""
    async with shadow.write_without_course_lock() as connection:
        await connection.execute(insert_daily(connection.dialect), {"last": last, "shard": context.shard})


def insert_daily(dialect: Dialect) -> Insert:
    """Insert the counts of the events up to a seq by day and type."""
    counts = text(daily_counts(dialect)).columns(_d.day, _d.type, _d.events).subquery().c
    counted = select(counts.day, counts.type, bindparam("shard", type_=Integer), counts.events)
    return insert(lms_event_daily).from_select(["day", "type", "shard", "events"], counted)


def display_courses(courses: CourseCatalog) -> list[tuple[str, str]]:
    """Return the course under which each class is shown when its events name none."""
    classes = {step for history in courses.histories.values() for version in history for step in version.class_ids}
    under = ((class_id, courses.display_course(class_id)) for class_id in sorted(classes))
    return [(class_id, course_id) for class_id, course_id in under if course_id is not None]
