"""A learner's courses: how far the learner is in each, step by step. This is the content of a learner's own page."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from projections.rollups.leaderboard import ALL_COURSES, ALL_TIME
from projections.tables import lms_xp
from signals.course import CourseHistory, Step, current_version, percent
from signals.course_catalog import CourseCatalog
from signals.signal import SignalType
from views import durations, enrolments, learner_names, signal_list, user_progress
from views.user_progress import NO_PROGRESS, ProgressFields, UserProgress


class StepKey(BaseModel):
    """A step of the version in force. `duration_sec` is the video's length, null if none is known."""

    class_id: str
    title: str
    course_id: str
    duration_sec: int | None


class StepProgress(ProgressFields, StepKey):
    """A step of the version in force, with the learner's row of v_user_progress for its class."""

    completed: bool
    completed_at: datetime | None


class CourseProgress(BaseModel):
    """A course: steps and `percent` (0 to 100, rounded down) by the version in force, `completed` by the signal.

    `enrolled_at` is null for a learner who began without an enrolment.
    """

    course_id: str
    title: str
    percent: int
    steps_completed: int
    steps_total: int
    enrolled_at: datetime | None
    completed: bool
    completed_at: datetime | None
    steps: list[StepProgress]


class LearnerProgress(BaseModel):
    """A learner's XP, and the published courses that the learner has begun or is enrolled in.

    `name` is null if none is known.
    """

    user_id: str
    name: str | None
    xp: int
    courses: list[CourseProgress]


CompletedAt = Mapping[tuple[str, str | None], datetime]
"""By (course_id, class_id), or (course_id, None) for the course itself."""

SELECT_XP = select(lms_xp.c.xp).where(
    lms_xp.c.user_id == bindparam("user_id"), lms_xp.c.course_id == ALL_COURSES, lms_xp.c.period == ALL_TIME
)
"""The total XP of a learner."""


class LearnerRows(NamedTuple):
    """The rows of one learner: progress by class, completions, enrolments by course, and lengths of videos."""

    rows: Mapping[str, UserProgress]
    completed_at: CompletedAt
    enrolled_at: Mapping[str, datetime]
    duration_sec: Mapping[str, int]


async def read(connection: AsyncConnection, user_id: str, courses: CourseCatalog) -> LearnerProgress:
    """Return the learner's page; it is empty for an unknown learner."""
    rows = {row.class_id: row for row in await user_progress.read_learner(connection, user_id)}
    completed_at: CompletedAt = {
        (
            signal.course_id or "",
            signal.class_id if signal.type == SignalType.STEP_COMPLETED else None,
        ): signal.occurred_at
        for signal in await signal_list.read_of_courses(connection, user_id)
    }
    enrolled_at = await enrolments.read_learner(connection, user_id)
    visible = list(visible_courses(rows, completed_at, enrolled_at, courses))
    class_ids = sorted({step.class_id for history in visible for step in current_version(history).steps})
    rows_of_learner = LearnerRows(rows, completed_at, enrolled_at, await durations.read(connection, class_ids))
    xp = (await connection.execute(SELECT_XP, {"user_id": user_id})).scalar_one_or_none()
    return LearnerProgress(
        user_id=user_id,
        name=(await learner_names.read(connection, [user_id])).get(user_id),
        xp=xp or 0,
        courses=[course_progress(history, rows_of_learner) for history in visible],
    )


def visible_courses(
    classes: Iterable[str], completed_at: CompletedAt, enrolled_in: Iterable[str], courses: CourseCatalog
) -> Iterator[CourseHistory]:
    """Return the courses of which the learner did a present class, completed a step, or is enrolled in."""
    ids = {course_id for course_id, _ in completed_at} | courses.histories.keys() & set(enrolled_in)
    for class_id in classes:
        ids |= {h[0].course_id for h in courses.with_class(class_id) if class_id in current_version(h).class_ids}
    return (courses.histories[course_id] for course_id in sorted(ids))


def course_progress(history: CourseHistory, rows_of_learner: LearnerRows) -> CourseProgress:
    """Return one course of the learner's page."""
    version = current_version(history)
    steps = [step_progress(version.course_id, step, rows_of_learner) for step in version.steps]
    done = sum(step.completed for step in steps)
    return CourseProgress(
        course_id=version.course_id,
        title=version.title,
        percent=percent(done, len(steps)),
        steps_completed=done,
        steps_total=len(steps),
        enrolled_at=rows_of_learner.enrolled_at.get(version.course_id),
        completed=(version.course_id, None) in rows_of_learner.completed_at,
        completed_at=rows_of_learner.completed_at.get((version.course_id, None)),
        steps=steps,
    )


def step_progress(course_id: str, step: Step, rows_of_learner: LearnerRows) -> StepProgress:
    """Return one step of the learner's page."""
    row = rows_of_learner.rows.get(step.class_id)
    progress = NO_PROGRESS if row is None else row.model_dump(include=set(NO_PROGRESS))
    return StepProgress(
        **progress,
        class_id=step.class_id,
        title=step.title,
        course_id=course_id,
        duration_sec=rows_of_learner.duration_sec.get(step.class_id),
        completed=(course_id, step.class_id) in rows_of_learner.completed_at,
        completed_at=rows_of_learner.completed_at.get((course_id, step.class_id)),
    )
