"""One learner's courses: how far each is, step by step. What a learner's own page shows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.tables import lms_xp
from signals.course import CourseHistory, Step, in_force
from signals.course_store import Courses
from signals.signal import SignalType
from signals.xp import ALL_COURSES, ALL_TIME
from views import signal_list, user_progress
from views.user_progress import UserProgress


class StepProgress(BaseModel):
    """A step of the version in force, with the learner's row of v_user_progress for its class."""

    class_id: str
    title: str
    course_id: str
    video_max_position_sec: int
    video_completed: int
    quiz_passed: int
    quiz_score: int | None
    video_completed_at: datetime | None
    quiz_passed_at: datetime | None
    completed: bool
    completed_at: datetime | None


class CourseProgress(BaseModel):
    """A course: steps and `percent` (0 to 100, rounded down) by the version in force, `completed` by the signal."""

    course_id: str
    title: str
    percent: int
    steps_completed: int
    steps_total: int
    completed: bool
    completed_at: datetime | None
    steps: list[StepProgress]


class LearnerProgress(BaseModel):
    """A learner's XP, and the published courses that the learner has begun."""

    user_id: str
    xp: int
    courses: list[CourseProgress]


CompletedAt = Mapping[tuple[str, str | None], datetime]
"""By (course_id, class_id), or (course_id, None) for the course itself."""

SELECT_XP = select(lms_xp.c.xp).where(
    lms_xp.c.user_id == bindparam("user_id"), lms_xp.c.course_id == ALL_COURSES, lms_xp.c.period == ALL_TIME
)
"""All that a learner has earned."""


async def read(connection: AsyncConnection, user_id: str, courses: Courses) -> LearnerProgress:
    """The learner's page; of somebody we know nothing of, an empty one."""
    rows = {row.class_id: row for row in await user_progress.read_learner(connection, user_id)}
    completed_at: CompletedAt = {
        (
            signal.course_id or "",
            signal.class_id if signal.type == SignalType.STEP_COMPLETED else None,
        ): signal.occurred_at
        for signal in await signal_list.read_of_courses(connection, user_id)
    }
    xp = (await connection.execute(SELECT_XP, {"user_id": user_id})).scalar_one_or_none()
    begun = courses_begun(rows, completed_at, courses)
    return LearnerProgress(
        user_id=user_id,
        xp=xp or 0,
        courses=[course_progress(history, rows, completed_at) for history in begun],
    )


def courses_begun(classes: Iterable[str], completed_at: CompletedAt, courses: Courses) -> Iterator[CourseHistory]:
    """Courses in whose version in force the learner did something, or of which a step was completed before."""
    ids = {course_id for course_id, _ in completed_at}
    for class_id in classes:
        ids |= {h[0].course_id for h in courses.with_class(class_id) if class_id in in_force(h).class_ids}
    return (courses.histories[course_id] for course_id in sorted(ids))


def course_progress(
    history: CourseHistory, rows: Mapping[str, UserProgress], completed_at: CompletedAt
) -> CourseProgress:
    """One course as it stands for the learner."""
    version = in_force(history)
    steps = [step_progress(version.course_id, step, rows, completed_at) for step in version.steps]
    done = sum(step.completed for step in steps)
    return CourseProgress(
        course_id=version.course_id,
        title=version.title,
        percent=100 * done // len(steps) if steps else 0,
        steps_completed=done,
        steps_total=len(steps),
        completed=(version.course_id, None) in completed_at,
        completed_at=completed_at.get((version.course_id, None)),
        steps=steps,
    )


def step_progress(
    course_id: str, step: Step, rows: Mapping[str, UserProgress], completed_at: CompletedAt
) -> StepProgress:
    """One step as it stands for the learner."""
    row = rows.get(step.class_id)
    return StepProgress(
        class_id=step.class_id,
        title=step.title,
        course_id=course_id,
        video_max_position_sec=row.video_max_position_sec if row else 0,
        video_completed=row.video_completed if row else 0,
        quiz_passed=row.quiz_passed if row else 0,
        quiz_score=row.quiz_score if row else None,
        video_completed_at=row.video_completed_at if row else None,
        quiz_passed_at=row.quiz_passed_at if row else None,
        completed=(course_id, step.class_id) in completed_at,
        completed_at=completed_at.get((course_id, step.class_id)),
    )
