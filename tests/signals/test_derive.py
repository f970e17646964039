"""Signals, case by case: given what was done and when the course said what, then this follows, at that instant."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import pytest

from projections.progress import Progress
from signals.course import CourseVersion, Step
from signals.derive import derive
from signals.signal import Signal, SignalType
from tests.engine.support import at, step

A, B, C = step("a"), step("b"), step("c")
QUIZ_A, BOTH_A = step("a", "quiz"), step("a", "both")


class Case(NamedTuple):
    """Videos and quizzes done, by class; versions by the day they were published; steps done, course completed."""

    videos: Mapping[str, datetime]
    quizzes: Mapping[str, datetime]
    versions: Mapping[datetime, tuple[Step, ...]]
    steps: Mapping[str, datetime]
    course: datetime | None


CASES = {
    "one step done": Case({"a": at(1)}, {}, {at(0): (A,)}, {"a": at(1)}, at(1)),
    "one step of two done": Case({"a": at(1)}, {}, {at(0): (A, B)}, {"a": at(1)}, None),
    "the last of two steps completes the course": Case(
        {"a": at(3), "b": at(2)}, {}, {at(0): (A, B)}, {"a": at(3), "b": at(2)}, at(3)
    ),
    "a step needs video and quiz: only the video": Case({"a": at(1)}, {}, {at(0): (BOTH_A,)}, {}, None),
    "a step needs video and quiz: only the quiz": Case({}, {"a": at(1)}, {at(0): (BOTH_A,)}, {}, None),
    "a step with video and quiz is done with the later of them": Case(
        {"a": at(1)}, {"a": at(2)}, {at(0): (BOTH_A,)}, {"a": at(2)}, at(2)
    ),
    "a step that needs a quiz cares for no video": Case({"a": at(1)}, {}, {at(0): (QUIZ_A,)}, {}, None),
    "another class's quiz does not help": Case({"a": at(1)}, {"b": at(1)}, {at(0): (BOTH_A,)}, {}, None),
    "a class that the course does not contain": Case({"c": at(1)}, {}, {at(0): (A,)}, {}, None),
    "a course without steps is never completed": Case({"a": at(1)}, {}, {at(0): ()}, {}, None),
    "the first version is in force from the beginning": Case(
        {"a": at(-900)}, {}, {at(0): (A,)}, {"a": at(-900)}, at(-900)
    ),
    "done before a later version: from its publication on": Case(
        {"a": at(1)}, {}, {at(0): (B,), at(2): (A,)}, {"a": at(2)}, at(2)
    ),
    "done in the last microsecond before a longer course": Case(
        {"a": at(2, -1)}, {}, {at(0): (A,), at(2): (A, B)}, {"a": at(2, -1)}, at(2, -1)
    ),
    "done in the microsecond of a longer course": Case(
        {"a": at(2)}, {}, {at(0): (A,), at(2): (A, B)}, {"a": at(2)}, None
    ),
    "a longer course takes nothing away": Case({"a": at(1)}, {}, {at(0): (A,), at(2): (A, B, C)}, {"a": at(1)}, at(1)),
    "a longer course, all done later, was completed before": Case(
        {"a": at(1), "b": at(3)}, {}, {at(0): (A,), at(2): (A, B)}, {"a": at(1), "b": at(3)}, at(1)
    ),
    "a shorter course grants when it is published": Case(
        {"a": at(1)}, {}, {at(0): (A, B), at(2): (A,)}, {"a": at(1)}, at(2)
    ),
    "a step that was taken out before it was done": Case({"a": at(3)}, {}, {at(0): (A, B), at(2): (B,)}, {}, None),
    "a step that was taken out and came back": Case(
        {"a": at(3)}, {}, {at(0): (A,), at(2): (), at(4): (A, B)}, {"a": at(4)}, None
    ),
    "a step that asks for less is done when it asks for less": Case(
        {"a": at(1)}, {}, {at(0): (BOTH_A,), at(2): (A,)}, {"a": at(2)}, at(2)
    ),
    "a step that asks for more stays done": Case(
        {"a": at(1)}, {}, {at(0): (A,), at(2): (BOTH_A,)}, {"a": at(1)}, at(1)
    ),
    "done under no version, though each half under one": Case(
        {"a": at(1)}, {"a": at(5)}, {at(0): (A, B), at(2): (B,), at(4): (BOTH_A, B)}, {"a": at(1)}, None
    ),
    "an empty version in between completes nothing": Case(
        {"a": at(3)}, {}, {at(0): (A,), at(2): (), at(5): (A,)}, {"a": at(5)}, at(5)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_given_what_was_done_and_published_then_these_signals(name: str) -> None:
    case = CASES[name]
    history = tuple(
        CourseVersion("x", number, "", steps, published_at)
        for number, (published_at, steps) in enumerate(case.versions.items(), start=1)
    )

    found = set(derive("ada", progress(case), [], [history]))

    expected = {Signal(SignalType.STEP_COMPLETED, "ada", class_id, "x", t) for class_id, t in case.steps.items()}
    if case.course is not None:
        expected.add(Signal(SignalType.COURSE_COMPLETED, "ada", None, "x", case.course))
    assert found == expected


def progress(case: Case) -> dict[str, Progress]:
    return {
        class_id: Progress(video_completed_at=case.videos.get(class_id), quiz_passed_at=case.quizzes.get(class_id))
        for class_id in case.videos.keys() | case.quizzes.keys()
    }


def test_a_class_gives_its_own_signals_without_any_course() -> None:
    known = {"a": Progress(video_completed_at=at(1), quiz_passed_at=at(2)), "b": Progress(quiz_score=3)}

    assert list(derive("ada", known, known, [])) == [
        Signal(SignalType.VIDEO_COMPLETED, "ada", "a", None, at(1)),
        Signal(SignalType.QUIZ_PASSED, "ada", "a", None, at(2)),
    ]


def test_a_class_in_several_courses_counts_in_each() -> None:
    histories = [(CourseVersion(course_id, 1, "", (A,), at(0)),) for course_id in ("x", "y")]
    known = {"a": Progress(video_completed_at=at(1))}

    completed = [s.course_id for s in derive("ada", known, [], histories) if s.type == SignalType.COURSE_COMPLETED]

    assert completed == ["x", "y"]


def test_an_id_follows_from_what_identifies_the_signal_and_not_from_its_time() -> None:
    early = Signal(SignalType.STEP_COMPLETED, "ada", "a", "x", at(0))
    others = [
        early._replace(type=SignalType.COURSE_COMPLETED),
        early._replace(user_id="bob"),
        early._replace(class_id="x", course_id="a"),
        early._replace(class_id=None),
        early._replace(course_id=None),
        early._replace(user_id="ad", class_id="aa"),
    ]

    assert early._replace(occurred_at=at(5)).signal_id == early.signal_id
    assert len({signal.signal_id for signal in [early, *others]}) == 1 + len(others)
    assert UUID(early.signal_id).version == 5


def test_ids_are_frozen() -> None:
    """Consumers keep them for ever: if this fails, take the change back."""
    signal = Signal(SignalType.STEP_COMPLETED, "ada", "intro", "python-101", at(0))

    assert signal.signal_id == "d893ffd7-fec6-52fe-a5b3-7f3c6854274c"
