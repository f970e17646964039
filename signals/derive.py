"""Deriving signals: a pure function of a learner's progress and of the courses' history.

A requirement met at s holds under a version in force from c until d at max(s, c), if that is before d.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from projections.progress import Progress
from signals.course import CourseHistory, Step
from signals.signal import Signal, SignalType

MIN_INSTANT = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)

KNOWN_HISTORIES = 1_024
"""The size of the cache of requirements by course, which are the same for every learner."""

ProgressByClass = Mapping[str, Progress]


def derive(
    user_id: str, progress: ProgressByClass, classes: Iterable[str], histories: Iterable[CourseHistory]
) -> Iterator[Signal]:
    """Return the signals of one learner's whole `progress`, of these classes and these courses."""
    for class_id in classes:
        yield from class_signals(user_id, class_id, progress[class_id])
    for history in histories:
        yield from course_signals(user_id, progress, history)


def class_signals(user_id: str, class_id: str, progress: Progress) -> Iterator[Signal]:
    """Return the signals that one class's progress gives by itself."""
    if progress.video_completed_at is not None:
        yield Signal(SignalType.VIDEO_COMPLETED, user_id, class_id, None, progress.video_completed_at)
    if progress.quiz_passed_at is not None:
        yield Signal(SignalType.QUIZ_PASSED, user_id, class_id, None, progress.quiz_passed_at)


def course_signals(user_id: str, progress: ProgressByClass, history: CourseHistory) -> Iterator[Signal]:
    """Return the signals of the steps and the course, each at the first instant at which it held under some version."""
    course_id = history[0].course_id
    steps: dict[str, datetime] = {}
    course = END
    for term in effective_periods(history):
        met = term.met(progress)
        for class_id, met_at in met.items():
            held_at = term.holds(met_at)
            if held_at is not None:
                steps[class_id] = min(steps.get(class_id, END), held_at)
        if met and len(met) == len(term.asks):
            course = min(course, term.holds(max(met.values())) or END)
    for class_id, occurred_at in steps.items():
        yield Signal(SignalType.STEP_COMPLETED, user_id, class_id, course_id, occurred_at)
    if course < END:
        yield Signal(SignalType.COURSE_COMPLETED, user_id, None, course_id, course)


class StepRequirement(NamedTuple):
    """The requirement of a step on its class."""

    class_id: str
    video: bool
    quiz: bool

    def met_at(self, progress: Progress) -> datetime | None:
        """Return when all of it was done; None while it is not."""
        if not self.quiz:
            return progress.video_completed_at
        if not self.video:
            return progress.quiz_passed_at
        if progress.video_completed_at is None or progress.quiz_passed_at is None:
            return None
        return max(progress.video_completed_at, progress.quiz_passed_at)


class EffectivePeriod(NamedTuple):
    """The time from `start` until before `end` in which a version is in force, with the requirements of its steps."""

    asks: tuple[StepRequirement, ...]
    start: datetime
    end: datetime

    def met(self, progress: ProgressByClass) -> dict[str, datetime]:
        """Return the classes whose steps are done, and since when."""
        met = {}
        for requirement in self.asks:
            class_progress = progress.get(requirement.class_id)
            met_at = requirement.met_at(class_progress) if class_progress is not None else None
            if met_at is not None:
                met[requirement.class_id] = met_at
        return met

    def holds(self, met_at: datetime) -> datetime | None:
        """Return the instant at which a requirement met at `met_at` holds under this version, or None."""
        held_at = max(met_at, self.start)
        return held_at if held_at < self.end else None


@lru_cache(maxsize=KNOWN_HISTORIES)
def effective_periods(history: CourseHistory) -> tuple[EffectivePeriod, ...]:
    """Return each version's period. The first is in force from the beginning of time, the last for ever."""
    starts = [MIN_INSTANT, *(version.published_at for version in history[1:]), END]
    return tuple(
        EffectivePeriod(tuple(map(requirement_of, version.steps)), start, end)
        for version, start, end in zip(history, starts[:-1], starts[1:], strict=True)
    )


def requirement_of(step: Step) -> StepRequirement:
    return StepRequirement(step.class_id, step.video_id is not None, step.quiz_id is not None)
