"""Projecting: brings what events prove into the tables, with all that follows from it: signals, XP, outbox.

Live events, retries and grants all come through here, so they cannot differ.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from projections import store as progress_store
from projections.fold import ProgressKey
from projections.progress import NOTHING, Progress, merge
from projections.store import ProgressRow
from signals import outbox
from signals import store as signal_store
from signals.course_store import CourseCache, Courses
from signals.derive import derive
from signals.signal import Signal
from signals.xp import Worth, totals
from views import leaderboard

SHARDS = 16
"""Into how many parts processes spread the counts that all of them add to."""


class Context(NamedTuple):
    """What projecting needs besides the events: the courses, what signals are worth, and this process's shard.

    Whether new signals are announced to other systems, too: a replay's are not.
    """

    courses: CourseCache
    worth: Worth
    shard: int
    announces: bool = True


async def project(
    connection: AsyncConnection, proved: Mapping[ProgressKey, Progress], context: Context, now: datetime
) -> list[Signal]:
    """Merges what was proved into what is there. The signals that are new. Callers hold the learners' locks."""
    if not proved:
        return []
    courses = await context.courses.courses(connection)
    completed = await advance(connection, proved, courses)
    return await signal(connection, completed, courses, context, now)


async def advance(
    connection: AsyncConnection, proved: Mapping[ProgressKey, Progress], courses: Courses
) -> list[ProgressKey]:
    """Merges what was proved into what is there. Of what signals can follow: where something was completed."""
    known = await progress_store.load(connection, proved)
    merged = {key: merge(known[key].progress if key in known else NOTHING, proved[key]) for key in proved}
    changed = [key for key in merged if key not in known or merged[key] != known[key].progress]
    await progress_store.save(connection, [row(key, merged[key], courses) for key in changed])
    return [key for key in changed if completes(known.get(key), merged[key])]


def row(key: ProgressKey, progress: Progress, courses: Courses) -> ProgressRow:
    """The row as it is shown: under the course that events name, else under one that contains the class."""
    user_id, class_id = key
    return ProgressRow(user_id, class_id, progress.course_id or courses.shown_under(class_id), progress)


def completes(before: ProgressRow | None, after: Progress) -> bool:
    """Whether signals can follow from the difference: only from when something was completed or passed."""
    known = before.progress if before else NOTHING
    return (known.video_completed_at, known.quiz_passed_at) != (
        after.video_completed_at,
        after.quiz_passed_at,
    )


async def signal(
    connection: AsyncConnection,
    completed: Collection[ProgressKey],
    courses: Courses,
    context: Context,
    now: datetime,
) -> list[Signal]:
    """Derives the signals of those classes, and of the courses with them. Those that are new."""
    if not completed:
        return []
    rows = await progress_store.load_learners(connection, {user_id for user_id, _ in completed})
    learners = by_learner(rows.values())
    derived: list[Signal] = []
    for user_id, classes in classes_by_learner(completed).items():
        derived += derive(user_id, learners[user_id], classes, courses.with_classes(classes))
    return await keep(connection, derived, context, now)


def by_learner(rows: Iterable[ProgressRow]) -> dict[str, dict[str, Progress]]:
    """Progress by learner and class."""
    learners: dict[str, dict[str, Progress]] = {}
    for known in rows:
        learners.setdefault(known.user_id, {})[known.class_id] = known.progress
    return learners


def classes_by_learner(keys: Collection[ProgressKey]) -> dict[str, list[str]]:
    learners: dict[str, list[str]] = {}
    for user_id, class_id in keys:
        learners.setdefault(user_id, []).append(class_id)
    return learners


async def keep(
    connection: AsyncConnection, derived: Collection[Signal], context: Context, now: datetime
) -> list[Signal]:
    """Keeps signals, with the XP they earn and the announcements they make. Those that are new."""
    change = await signal_store.keep(connection, derived, context.worth)
    await leaderboard.add_xp(connection, totals(change.earnings))
    if context.announces:
        await outbox.announce(connection, change.new, now)
    return change.new
