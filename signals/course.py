"""A course and its versions over time, each in force until the next one.

These are pure values; `course_catalog` stores them, and `derive` judges learners by them.
"""

from datetime import datetime
from typing import NamedTuple


class Step(NamedTuple):
    """A step of a course. It asks for its video (if it names one) and its quiz (if it names one)."""

    class_id: str
    title: str
    video_id: str | None = None
    quiz_id: str | None = None
    max_score: float | None = None
    pass_score: float | None = None
    score_label: str | None = None


class CourseVersion(NamedTuple):
    """A published version. `published_at` is UTC; `version` counts from 1."""

    course_id: str
    version: int
    title: str
    steps: tuple[Step, ...]
    published_at: datetime

    @property
    def class_ids(self) -> frozenset[str]:
        return frozenset(step.class_id for step in self.steps)


CourseHistory = tuple[CourseVersion, ...]
"""All versions of one course, oldest first, never empty."""


def current_version(history: CourseHistory) -> CourseVersion:
    """Return the version that is in force now: the last one published."""
    return history[-1]


def percent(done: int, steps: int) -> int:
    """Return how much of a course is done, in percent, rounded down."""
    return 100 * done // steps if steps else 0
