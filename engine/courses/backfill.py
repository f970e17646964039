"""Backfilling a course version: derive its signals for the learners who were there before it was published.

Each chunk of learners is a transaction of its own, which also saves how far the backfill came. So it can be killed at
any moment and continued.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import merge as merge_sorted
from itertools import groupby, islice

from sqlalchemy import Row, Select, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.context import Context
from engine.projecting.locks import lock
from engine.projecting.project import by_learner, row, save_signals
from engine.tables import lms_grant
from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.times import Clock
from projections import store as progress_store
from projections.tables import lms_progress
from signals.course import CourseHistory, CourseVersion
from signals.course_catalog import CourseCatalog
from signals.derive import derive

_b = lms_grant.c
_p = lms_progress.c

SELECT_UNFINISHED = select(_b.course_id, _b.version).where(_b.finished_at.is_(None))
"""The versions whose backfill is not complete."""

LOCK_UNFINISHED = (
    select(_b.after_user_id)
    .where(_b.course_id == bindparam("course_id"), _b.version == bindparam("version"), _b.finished_at.is_(None))
    .with_for_update()
)
"""How far one backfill came. Another process waits for the lock, and then continues behind this transaction's chunk."""


async def run_pending_backfills(database: Database, context: Context, clock: Clock) -> None:
    """Complete all backfills. Raise UnavailableError where the database interrupts them.

    Several processes may call this at once: each takes the next chunk.
    """
    for course_id, version in await shielded(read_unfinished(database)):
        while await shielded(backfill_chunk(database, course_id, version, context, clock)):
            pass


async def is_backfill_complete(connection: AsyncConnection) -> bool:
    """Return whether the backfills of all versions are complete."""
    return (await connection.execute(SELECT_UNFINISHED)).first() is None


async def read_unfinished(database: Database) -> Sequence[Row[str, int]]:
    async with database.read() as connection:
        return (await connection.execute(SELECT_UNFINISHED)).all()


async def backfill_chunk(database: Database, course_id: str, version: int, context: Context, clock: Clock) -> bool:
    """Backfill a version for its next learners. Return whether there may be more."""
    async with database.write() as connection:
        after = await connection.scalar(LOCK_UNFINISHED, {"course_id": course_id, "version": version})
        if after is None:
            return False
        courses = await context.courses.courses(connection)
        published = courses.histories[course_id][version - 1]
        user_ids = await backfill_learners(connection, published, after, context, clock())
        last = user_ids[-1] if user_ids else None
        await save_backfill_progress(connection, course_id, version, last, clock())
    return last is not None


async def backfill_learners(
    connection: AsyncConnection, version: CourseVersion, after: str, context: Context, now: datetime
) -> list[str]:
    """Backfill a version for the next learners `after` that one who have progress in its classes or its predecessor's.

    Return their ids.
    """
    courses = await context.courses.courses(connection)
    history = courses.histories[version.course_id]
    classes = version.class_ids.union(*(v.class_ids for v in history[version.version - 2 : version.version - 1]))
    user_ids = await learners_after(connection, classes, after, context.limits.backfill_learners)
    if user_ids:
        await backfill(connection, user_ids, history, courses, context, now)
    return user_ids


async def learners_after(connection: AsyncConnection, classes: Iterable[str], after: str, limit: int) -> list[str]:
    """Return the next learners by id who have progress in one of the classes."""
    found = [await connection.scalars(select_learners(class_id, after, limit)) for class_id in classes]
    return [user_id for user_id, _ in islice(groupby(merge_sorted(*map(sorted, found))), limit)]


def select_learners(class_id: str, after: str, limit: int) -> Select[str]:
    """Select the next learners of one class, by the index on it."""
    query = select(_p.user_id).where(_p.class_id == class_id, _p.user_id > after)
    return query.order_by(_p.user_id).limit(limit)


async def backfill(
    connection: AsyncConnection,
    user_ids: list[str],
    history: CourseHistory,
    courses: CourseCatalog,
    context: Context,
    now: datetime,
) -> None:
    """Derive the course's signals for these learners, and save under which course their classes are shown."""
    await lock(connection, user_ids)
    rows = await progress_store.load_learners(connection, user_ids)
    shown = [row(key, before.progress, courses) for key, before in rows.items()]
    await progress_store.save(connection, [new for new in shown if new != rows[new.user_id, new.class_id]])
    learners = by_learner(rows.values())
    derived = [signal for user_id in user_ids for signal in derive(user_id, learners[user_id], (), (history,))]
    await save_signals(connection, derived, context, now)


async def save_backfill_progress(
    connection: AsyncConnection, course_id: str, version: int, last: str | None, now: datetime
) -> None:
    """Save how far the backfill came: to the learner `last`, or to the end."""
    progress = {"finished_at": now} if last is None else {"after_user_id": last}
    await connection.execute(update(lms_grant).where(_b.course_id == course_id, _b.version == version).values(progress))
