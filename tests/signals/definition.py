"""Which signals there are, straight from section 2 of the design and by brute force: try every instant.

Slow, plain, and by no formula of the code under test; tests hold `signals.derive` and the engine to it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import NamedTuple

from signals.course import CourseHistory, CourseVersion, Step
from signals.signal import Signal, SignalType


class Proof(NamedTuple):
    """At that instant the learner proved to be done with that class's `what`: its "video" or its "quiz"."""

    user_id: str
    class_id: str
    what: str
    at: datetime


def signals(proofs: Collection[Proof], histories: Collection[CourseHistory]) -> set[Signal]:
    """All signals of all learners."""
    by_learner: dict[str, list[Proof]] = {}
    for proof in proofs:
        by_learner.setdefault(proof.user_id, []).append(proof)
    publications = {version.published_at for history in histories for version in history}
    found: set[Signal] = set()
    for user_id, theirs in by_learner.items():
        instants = sorted({proof.at for proof in theirs} | publications)
        found |= set(of_classes(user_id, theirs, instants))
        for history in histories:
            found |= set(of_course(user_id, theirs, history, instants))
    return found


def of_classes(user_id: str, proofs: Collection[Proof], instants: list[datetime]) -> Iterator[Signal]:
    for what, kind in (("video", SignalType.VIDEO_COMPLETED), ("quiz", SignalType.QUIZ_PASSED)):
        for class_id in {proof.class_id for proof in proofs}:
            for instant in first(instants, partial(done, proofs, class_id, what)):
                yield Signal(kind, user_id, class_id, None, instant)


def of_course(
    user_id: str, proofs: Collection[Proof], history: CourseHistory, instants: list[datetime]
) -> Iterator[Signal]:
    course_id = history[0].course_id
    for class_id in {step.class_id for version in history for step in version.steps}:
        for instant in first(instants, partial(step_holds, proofs, history, class_id)):
            yield Signal(SignalType.STEP_COMPLETED, user_id, class_id, course_id, instant)
    for instant in first(instants, partial(course_holds, proofs, history)):
        yield Signal(SignalType.COURSE_COMPLETED, user_id, None, course_id, instant)


def first(instants: Iterable[datetime], holds: Callable[[datetime], bool]) -> Iterator[datetime]:
    """The first instant at which it holds, if there is one."""
    return islice(filter(holds, instants), 1)


def step_holds(proofs: Collection[Proof], history: CourseHistory, class_id: str, instant: datetime) -> bool:
    """Whether, by the version in force at that instant, the class was a step and the step was done."""
    steps = version_at(history, instant).steps
    return any(step.class_id == class_id and step_done(proofs, step, instant) for step in steps)


def course_holds(proofs: Collection[Proof], history: CourseHistory, instant: datetime) -> bool:
    steps = version_at(history, instant).steps
    return bool(steps) and all(step_done(proofs, step, instant) for step in steps)


def step_done(proofs: Collection[Proof], step: Step, instant: datetime) -> bool:
    asked = [step.video_id and "video", step.quiz_id and "quiz"]
    return any(asked) and all(done(proofs, step.class_id, what, instant) for what in asked if what)


def done(proofs: Collection[Proof], class_id: str, what: str, instant: datetime) -> bool:
    return any((p.class_id, p.what) == (class_id, what) and p.at <= instant for p in proofs)


def version_at(history: CourseHistory, instant: datetime) -> CourseVersion:
    """The version in force: the last one published by then; before all of them, the first."""
    return [history[0], *(version for version in history if version.published_at <= instant)][-1]
