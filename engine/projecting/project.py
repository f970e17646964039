"""Projecting: brings what events prove into the tables, with all that follows from it: signals, XP, outbox.

Live events, retries and grants all come through here, so they cannot differ.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from projections import store as progress_store
from projections.fold import ProgressKey
from projections.progress import EMPTY, Progress, merge
from projections.store import ProgressRow
from signals import outbox
from signals import store as signal_store
from signals.course import CourseHistory
from signals.course_catalog import CourseCache, CourseCatalog
from signals.derive import course_signals, derive
from signals.signal import Signal, SignalType
from signals.xp import XpValues, sum_xp
from views import xp

SHARDS = 16
"""Into how many parts processes spread the counts that all of them add to."""


class Context(NamedTuple):
    """What projecting needs besides the events: the courses, what signals are worth, and this process's shard.

    Whether new signals are announced to other systems, too: a replay's are not.
    """

    courses: CourseCache
    worth: XpValues
    shard: int
    announces: bool = True


async def project(
    connection: AsyncConnection, proved: Mapping[ProgressKey, Progress], context: Context, now: datetime
) -> list[Signal]:
    """Merges what was proved into what is there. The signals that are new. Callers hold the learners' locks."""
    if not proved:
        return []
    courses = await context.courses.courses(connection)
    completed = await merge_progress(connection, proved, courses)
    return await derive_signals(connection, completed, courses, context, now)


async def merge_progress(
    connection: AsyncConnection, proved: Mapping[ProgressKey, Progress], courses: CourseCatalog
) -> dict[ProgressKey, Progress]:
    """Merges what was proved into what is there. Of what signals can follow: where something was completed."""
    keys = sorted(proved)  # rows that lie together are written together
    known = await progress_store.load(connection, keys)
    merged = {key: merge(known[key].progress, proved[key]) if key in known else proved[key] for key in keys}
    changed = {key: after for key, after in merged.items() if key not in known or after != known[key].progress}
    await progress_store.save(connection, [row(key, after, courses) for key, after in changed.items()])
    return {key: after for key, after in changed.items() if completes(known.get(key), after)}


def row(key: ProgressKey, progress: Progress, courses: CourseCatalog) -> ProgressRow:
    """The row as it is shown: under the course that events name, else under one that contains the class."""
    user_id, class_id = key
    return ProgressRow(user_id, class_id, progress.course_id or courses.display_course(class_id), progress)


def completes(before: ProgressRow | None, after: Progress) -> bool:
    """Whether signals can follow from the difference: only from when something was completed or passed."""
    known = before.progress if before else EMPTY
    return (known.video_completed_at, known.quiz_passed_at) != (
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
    """Derives the signals of those classes, and of the courses with them. Those that are new."""
    if not completed:
        return []
    derived = list(signals_of_classes(completed, courses))
    derived += await signals_of_courses(connection, derived, courses)
    return await save_signals(connection, derived, context, now)


def signals_of_classes(completed: Mapping[ProgressKey, Progress], courses: CourseCatalog) -> Iterator[Signal]:
    """What follows from each class alone: its own signals, and its steps."""
    for (user_id, class_id), progress in completed.items():
        histories = courses.with_class(class_id)
        for found in derive(user_id, {class_id: progress}, [class_id], histories):
            if found.type != SignalType.COURSE_COMPLETED:
                yield found


async def signals_of_courses(
    connection: AsyncConnection, derived: Iterable[Signal], courses: CourseCatalog
) -> Iterable[Signal]:
    """The courses that are completed. That takes a step of theirs, so only those of the steps are looked at."""
    concerned = {(s.user_id, s.course_id) for s in derived if s.type == SignalType.STEP_COMPLETED and s.course_id}
    if not concerned:
        return []
    classes = {course_id: class_ids(courses.histories[course_id]) for _, course_id in concerned}
    keys = {(user_id, class_id) for user_id, course_id in concerned for class_id in classes[course_id]}
    learners = by_learner((await progress_store.load(connection, sorted(keys))).values())
    found = [
        signal
        for user_id, course_id in sorted(concerned)
        for signal in course_signals(user_id, learners[user_id], courses.histories[course_id])
    ]
    return [signal for signal in found if signal.type == SignalType.COURSE_COMPLETED]


def class_ids(history: CourseHistory) -> frozenset[str]:
    """All classes that the course has had."""
    return frozenset[str]().union(*(version.class_ids for version in history))


def by_learner(rows: Iterable[ProgressRow]) -> dict[str, dict[str, Progress]]:
    """Progress by learner and class."""
    learners: dict[str, dict[str, Progress]] = {}
    for known in rows:
        learners.setdefault(known.user_id, {})[known.class_id] = known.progress
    return learners


async def save_signals(
    connection: AsyncConnection, derived: Collection[Signal], context: Context, now: datetime
) -> list[Signal]:
    """Keeps signals, with the XP they earn and the announcements they make. Those that are new."""
    change = await signal_store.save_signals(connection, derived, context.worth)
    await xp.record(connection, sum_xp(change.earnings), context.shard)
    if context.announces:
        await outbox.enqueue_signals(connection, change.new, now)
    return change.new
