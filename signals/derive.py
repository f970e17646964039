"""Deriving signals: a pure function of a learner's progress and of the courses as they were published.

A requirement met at s holds under a version in force from c until d at max(s, c), if that is before d.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from projections.progress import NOTHING, Progress
from signals.course import CourseHistory, CourseVersion, Step
from signals.signal import Signal, SignalType

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)

ProgressByClass = Mapping[str, Progress]


def derive(
    user_id: str, progress: ProgressByClass, classes: Iterable[str], histories: Iterable[CourseHistory]
) -> Iterator[Signal]:
    """The signals that one learner's whole `progress` gives, of those classes and of those courses."""
    for class_id in classes:
        yield from class_signals(user_id, class_id, progress[class_id])
    for history in histories:
        yield from course_signals(user_id, progress, history)


def class_signals(user_id: str, class_id: str, progress: Progress) -> Iterator[Signal]:
    """What one class's events prove by themselves."""
    if progress.video_completed_at is not None:
        yield Signal(SignalType.VIDEO_COMPLETED, user_id, class_id, None, progress.video_completed_at)
    if progress.quiz_passed_at is not None:
        yield Signal(SignalType.QUIZ_PASSED, user_id, class_id, None, progress.quiz_passed_at)


def course_signals(user_id: str, progress: ProgressByClass, history: CourseHistory) -> Iterator[Signal]:
    """The steps and the course: at the first instant at which each held under some version."""
    course_id = history[0].course_id
    steps: dict[str, datetime] = {}
    courses: list[datetime] = []
    for term in terms(history):
        met = {step.class_id: step_met_at(step, progress.get(step.class_id, NOTHING)) for step in term.version.steps}
        for class_id, met_at in met.items():
            for held_at in term.holds(met_at):
                steps[class_id] = min(steps.get(class_id, END), held_at)
        courses.extend(term.holds(latest(met.values())))
    for class_id, occurred_at in steps.items():
        yield Signal(SignalType.STEP_COMPLETED, user_id, class_id, course_id, occurred_at)
    if courses:
        yield Signal(SignalType.COURSE_COMPLETED, user_id, None, course_id, min(courses))


class Term(NamedTuple):
    """The time from `start` until before `end` in which a version is in force."""

    version: CourseVersion
    start: datetime
    end: datetime

    def holds(self, met_at: datetime | None) -> Iterator[datetime]:
        """The instant at which what was met then holds under this version, if there is one."""
        if met_at is not None and max(met_at, self.start) < self.end:
            yield max(met_at, self.start)


def terms(history: CourseHistory) -> Iterator[Term]:
    """Each version's time in force. The first is in force from the beginning, the last for ever."""
    starts = [BEGINNING, *(version.published_at for version in history[1:])]
    for version, start, end in zip(history, starts, [*starts[1:], None], strict=True):
        yield Term(version, start, end or END)


def step_met_at(step: Step, progress: Progress) -> datetime | None:
    """When all that the step asks for was done; None while it is not."""
    needed = []
    if step.video_id is not None:
        needed.append(progress.video_completed_at)
    if step.quiz_id is not None:
        needed.append(progress.quiz_passed_at)
    return latest(needed)


def latest(instants: Iterable[datetime | None]) -> datetime | None:
    """The last of the instants; None if one of them is still to come, or there are none."""
    known = list(instants)
    present = [instant for instant in known if instant is not None]
    return max(present) if present and len(present) == len(known) else None
