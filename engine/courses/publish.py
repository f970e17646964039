"""Publishing a course: a version is appended at once; what it grants to learners already there follows.

Granting goes by chunks of learners, each its own transaction that notes how far it came, so that it can be
cut off at any moment and taken up again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import merge as merge_sorted
from itertools import groupby, islice

from sqlalchemy import Row, Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.locks import lock
from engine.projecting.project import Context, by_learner, row, save_signals
from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.tables import lms_grant, lms_progress
from eventstore.times import Clock
from projections import store as progress_store
from signals.course import CourseHistory, CourseVersion, Step
from signals.course_catalog import CourseCatalog, append_version
from signals.derive import derive

CHUNK_LEARNERS = 500

_g = lms_grant.c
_p = lms_progress.c

SELECT_UNFINISHED = select(_g.course_id, _g.version).where(_g.finished_at.is_(None))
"""Versions that are not granted to everyone yet."""

LOCK_GRANT = (
    select(_g.after_user_id)
    .where(_g.course_id == bindparam("course_id"), _g.version == bindparam("version"), _g.finished_at.is_(None))
    .with_for_update()
)
"""How far one of those has come. Whoever else grants it waits, and goes on from where this transaction comes to."""


async def publish(
    database: Database, course_id: str, title: str, steps: tuple[Step, ...], clock: Clock
) -> CourseVersion | None:
    """Appends a version, in force from now; None if nothing changed. `grant` has to follow."""
    async with database.write_exclusive() as connection:
        version = await append_version(connection, course_id, title, steps, clock())
        if version is not None:
            grant = {"course_id": course_id, "version": version.version, "after_user_id": ""}
            await connection.execute(insert(lms_grant), grant)
    return version


async def run_pending_backfills(database: Database, context: Context, clock: Clock) -> None:
    """Grants all versions that are not granted to everyone yet. Raises Unavailable where it must stop.

    Several processes may do so at once: each takes the next chunk.
    """
    for course_id, version in await shielded(read_unfinished(database)):
        while await shielded(backfill_chunk(database, course_id, version, context, clock)):
            pass


async def is_backfill_complete(connection: AsyncConnection) -> bool:
    """Whether every version is granted to everyone."""
    return (await connection.execute(SELECT_UNFINISHED)).first() is None


async def read_unfinished(database: Database) -> Sequence[Row[str, int]]:
    async with database.read() as connection:
        return (await connection.execute(SELECT_UNFINISHED)).all()


async def backfill_chunk(database: Database, course_id: str, version: int, context: Context, clock: Clock) -> bool:
    """Grants a version to its next learners. Whether there may be more."""
    async with database.write() as connection:
        after = await connection.scalar(LOCK_GRANT, {"course_id": course_id, "version": version})
        if after is None:
            return False
        courses = await context.courses.courses(connection)
        granted = courses.histories[course_id][version - 1]
        user_ids = await backfill_learners(connection, granted, after, context, clock())
        last = user_ids[-1] if user_ids else None
        await save_backfill_progress(connection, course_id, version, last, clock())
    return last is not None


async def backfill_learners(
    connection: AsyncConnection, version: CourseVersion, after: str, context: Context, now: datetime
) -> list[str]:
    """Grants a version to the next learners `after` that one, who had progress in its classes or the last one's."""
    courses = await context.courses.courses(connection)
    history = courses.histories[version.course_id]
    classes = version.class_ids.union(*(v.class_ids for v in history[version.version - 2 : version.version - 1]))
    user_ids = await learners_after(connection, classes, after)
    if user_ids:
        await backfill(connection, user_ids, history, courses, context, now)
    return user_ids


async def learners_after(connection: AsyncConnection, classes: Iterable[str], after: str) -> list[str]:
    """The next learners by id who have progress in one of the classes."""
    found = [await connection.scalars(select_learners(class_id, after)) for class_id in classes]
    return [user_id for user_id, _ in islice(groupby(merge_sorted(*map(sorted, found))), CHUNK_LEARNERS)]


def select_learners(class_id: str, after: str) -> Select[str]:
    """The next learners of one class, by the index on it."""
    query = select(_p.user_id).where(_p.class_id == class_id, _p.user_id > after)
    return query.order_by(_p.user_id).limit(CHUNK_LEARNERS)


async def backfill(
    connection: AsyncConnection,
    user_ids: list[str],
    history: CourseHistory,
    courses: CourseCatalog,
    context: Context,
    now: datetime,
) -> None:
    """Derives the course's signals for these learners, and shows their classes under the course they belong to."""
    await lock(connection, user_ids)
    rows = await progress_store.load_learners(connection, user_ids)
    shown = [row(key, known.progress, courses) for key, known in rows.items()]
    await progress_store.save(connection, [new for new in shown if new != rows[new.user_id, new.class_id]])
    learners = by_learner(rows.values())
    derived = [signal for user_id in user_ids for signal in derive(user_id, learners[user_id], (), (history,))]
    await save_signals(connection, derived, context, now)


async def save_backfill_progress(
    connection: AsyncConnection, course_id: str, version: int, last: str | None, now: datetime
) -> None:
    """Notes how far granting came: to the learner `last`, or to the end."""
    progress = {"finished_at": now} if last is None else {"after_user_id": last}
    await connection.execute(update(lms_grant).where(_g.course_id == course_id, _g.version == version).values(progress))
