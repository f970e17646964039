"""Projecting: merge the progress of new events into the tables, and derive signals, XP and outbox messages from it.

Live events, retries and backfills all use this code, so their results cannot differ.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.context import Context
from projections import store as progress_store
from projections.fold import ProgressKey
from projections.progress import EMPTY, Progress, merge
from projections.rollups import leaderboard
from projections.store import ProgressRow
from signals import outbox
from signals import store as signal_store
from signals.course import CourseHistory
from signals.course_catalog import CourseCatalog
from signals.derive import course_signals, derive
from signals.signal import Signal, SignalType
from signals.xp import sum_xp


async def project(
    connection: AsyncConnection, new_progress: Mapping[ProgressKey, Progress], context: Context, now: datetime
) -> list[Signal]:
    """Merge new progress into the tables, and return the new signals. The caller holds the learners' locks."""
    if not new_progress:
        return []
    courses = await context.courses.courses(connection)
    completed = await merge_progress(connection, new_progress, courses)
    return await derive_signals(connection, completed, courses, context, now)


async def merge_progress(
    connection: AsyncConnection, new_progress: Mapping[ProgressKey, Progress], courses: CourseCatalog
) -> dict[ProgressKey, Progress]:
    """Merge new progress into the tables. Return the classes in which something was completed: signals may follow."""
    keys = sorted(new_progress)  # neighbouring rows are written together
    stored = await progress_store.load(connection, keys)
    merged = {
        key: merge(stored[key].progress, new_progress[key]) if key in stored else new_progress[key] for key in keys
    }
    changed = {key: after for key, after in merged.items() if key not in stored or after != stored[key].progress}
    await progress_store.save(connection, [row(key, after, courses) for key, after in changed.items()])
    return {key: after for key, after in changed.items() if completes(stored.get(key), after)}


def row(key: ProgressKey, progress: Progress, courses: CourseCatalog) -> ProgressRow:
    """Return the row to store: under the course that events name, else under one that contains the class."""
    user_id, class_id = key
    return ProgressRow(user_id, class_id, progress.course_id or courses.display_course(class_id), progress)


def completes(before: ProgressRow | None, after: Progress) -> bool:
    """Return whether signals can follow: only a completed video or a passed quiz leads to signals."""
    old = before.progress if before else EMPTY
    return (old.video_completed_at, old.quiz_passed_at) != (
        after.video_completed_at,
        after.quiz_passed_at,
    )


async def derive_signals(
    connection: AsyncConnection,
    completed: Mapping[ProgressKey, Progress],
    courses: CourseCatalog,
    context: Context,
    now: datetime,
) -> list[Signal]:
    """Derive the signals of these classes, and of the courses that contain them. Return the new ones."""
    if not completed:
        return []
    derived = list(signals_of_classes(completed, courses))
    derived += await signals_of_courses(connection, derived, courses)
    return await save_signals(connection, derived, context, now)


def signals_of_classes(completed: Mapping[ProgressKey, Progress], courses: CourseCatalog) -> Iterator[Signal]:
    """Return the signals of each class by itself, and of its steps."""
    for (user_id, class_id), progress in completed.items():
        histories = courses.with_class(class_id)
        for found in derive(user_id, {class_id: progress}, [class_id], histories):
            if found.type != SignalType.COURSE_COMPLETED:
                yield found


async def signals_of_courses(
    connection: AsyncConnection, derived: Iterable[Signal], courses: CourseCatalog
) -> Iterable[Signal]:
    """Return COURSE_COMPLETED signals. Only courses of which a step was completed can have new ones."""
    candidates = {(s.user_id, s.course_id) for s in derived if s.type == SignalType.STEP_COMPLETED and s.course_id}
    if not candidates:
        return []
    classes = {course_id: class_ids(courses.histories[course_id]) for _, course_id in candidates}
    keys = {(user_id, class_id) for user_id, course_id in candidates for class_id in classes[course_id]}
    learners = by_learner((await progress_store.load(connection, sorted(keys))).values())
    found = [
        signal
        for user_id, course_id in sorted(candidates)
        for signal in course_signals(user_id, learners[user_id], courses.histories[course_id])
    ]
    return [signal for signal in found if signal.type == SignalType.COURSE_COMPLETED]


def class_ids(history: CourseHistory) -> frozenset[str]:
    """Return all classes that any version of the course has."""
    return frozenset[str]().union(*(version.class_ids for version in history))


def by_learner(rows: Iterable[ProgressRow]) -> dict[str, dict[str, Progress]]:
    """Group progress by learner and class."""
    learners: dict[str, dict[str, Progress]] = {}
    for stored in rows:
        learners.setdefault(stored.user_id, {})[stored.class_id] = stored.progress
    return learners


async def save_signals(
    connection: AsyncConnection, derived: Collection[Signal], context: Context, now: datetime
) -> list[Signal]:
    """Save signals, their XP, and the outbox messages that announce them. Return the new signals."""
    saved = await signal_store.save_signals(connection, derived, context.xp_values)
    await leaderboard.add(connection, sum_xp(saved.deltas), context.shard)
    if context.announces:
        await outbox.enqueue_signals(connection, saved.new, now)
    return saved.new
