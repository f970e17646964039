"""A range of learners, folded by the database into a shadow, with what follows from their log beside progress.

What it cannot say is few, as a rule; Python folds it after.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, Insert, Integer, MetaData, Table, bindparam, func, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.project import Context
from eventstore.db import Name, daily_counts, insert
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_event, lms_event_daily, lms_learner, lms_progress
from projections.fold import ProgressKey, rules_in_use
from projections.sql_fold.fold import PROVED, select_fold, tmp_fold
from signals.course_catalog import CourseCatalog

_e = lms_event.c
_d = lms_event_daily.c
_f = tmp_fold.c
_shown = json_rows("shown", lms_progress.c.class_id, lms_progress.c.course_id)

lms_shown = Table(
    "lms_shown",
    MetaData(),
    Column("class_id", Name, primary_key=True),
    Column("course_id", Name, nullable=False),
    prefixes=["TEMPORARY"],
)
"""The course that each class is shown under where events name none, for one connection: a batch has no index."""

INSERT_SHOWN = insert(lms_shown).from_select(["class_id", "course_id"], select(*_shown.c))
"""Notes it."""

INSERT_PROGRESS = insert(lms_progress).from_select(
    ["user_id", "class_id", "course_id", "named_course_id", *PROVED],
    select(_f.user_id, _f.class_id, func.coalesce(_f.course_id, lms_shown.c.course_id), _f.course_id)
    .add_columns(*(_f[name] for name in PROVED))
    .outerjoin_from(tmp_fold, lms_shown, _f.class_id == lms_shown.c.class_id),
)
"""What was folded becomes progress."""

_last_activity_at = (
    select(func.max(_e.occurred_at)).where(_e.user_id == _f.user_id, _e.seq <= bindparam("last")).scalar_subquery()
)
INSERT_LEARNERS = insert(lms_learner).from_select(
    ["user_id", "last_activity_at"], select(_f.user_id, _last_activity_at).group_by(_f.user_id)
)
"""The learners of what was folded, with their last activity up to a seq: the log's index has it at hand."""

MOST_UNSAID = 20_000
"""If the database leaves more events than that to Python, Python folds all."""

SUMS = select(func.coalesce(func.sum(_f.events), 0), func.coalesce(func.sum(_f.unsaid), 0))
"""How many events were folded, and how many of them the database could not read."""

SELECT_UNSAID = select(_f.user_id, _f.class_id).where(_f.unsaid > 0).limit(bindparam("most"))
"""Where the database could not read all."""


class Range(NamedTuple):
    """The learners with `after` < user_id <= `until`, or all `after`; their events up to the seq `last`."""

    after: str
    until: str | None
    last: int


class FoldResult(NamedTuple):
    """So many events are folded, of which so many are `unsaid`: those of `keys`, or more than are named.

    `refused` is why the database would not fold any.
    """

    events: int = 0
    unsaid: int = 0
    keys: Sequence[ProgressKey] = ()
    refused: str | None = None


async def fold_range(shadow: Database, piece: Range, context: Context, _now: datetime) -> FoldResult:
    """Folds a range into the shadow, which has nothing of it yet."""
    try:
        return await _fold(shadow, piece, context)
    except DBAPIError as error:
        return FoldResult(refused=str(error.orig))


async def _fold(shadow: Database, piece: Range, context: Context) -> FoldResult:
    folded = FoldResult()

    async def stage(connection: AsyncConnection) -> None:
        nonlocal folded
        for table in (tmp_fold, lms_shown):
            await connection.run_sync(table.create, checkfirst=False)
        folding = insert(tmp_fold).from_select(list(_f.keys()), select_fold(rules_in_use()))
        await connection.execute(folding, piece._asdict())
        courses = await context.courses.courses(connection)
        await connection.execute(INSERT_SHOWN, {"shown": display_courses(courses)})
        folded = await _fold_result(connection)

    async with shadow.write_staged(stage) as connection:  # others may wait for it, so that all is worked out before
        await connection.execute(INSERT_PROGRESS)
        await connection.execute(INSERT_LEARNERS, {"last": piece.last})
        for table in (tmp_fold, lms_shown):
            await connection.run_sync(table.drop, checkfirst=False)
    return folded


async def _fold_result(connection: AsyncConnection) -> FoldResult:
    events, unsaid = map(int, (await connection.execute(SUMS)).one())  # PostgreSQL adds up to a Decimal
    keys = [tuple(key) for key in await connection.execute(SELECT_UNSAID, {"most": MOST_UNSAID})]
    return FoldResult(events, unsaid, keys)


async def count_days(shadow: Database, last: int, context: Context) -> None:
    """The daily counts of all events up to the seq `last`, into the shadow, which has none yet."""
    async with shadow.write_without_course_lock() as connection:
        await connection.execute(insert_daily(connection.dialect), {"last": last, "shard": context.shard})


def insert_daily(dialect: Dialect) -> Insert:
    """Counts the events up to a seq by day and type."""
    counts = text(daily_counts(dialect)).columns(_d.day, _d.type, _d.events).subquery().c
    counted = select(counts.day, counts.type, bindparam("shard", type_=Integer), counts.events)
    return insert(lms_event_daily).from_select(["day", "type", "shard", "events"], counted)


def display_courses(courses: CourseCatalog) -> list[tuple[str, str]]:
    """The course that each class is shown under where events name none."""
    classes = {step for history in courses.histories.values() for version in history for step in version.class_ids}
    under = ((class_id, courses.display_course(class_id)) for class_id in sorted(classes))
    return [(class_id, course_id) for class_id, course_id in under if course_id is not None]
