"""What the log says of some learners: the rows that must stand in each derived table."""

from collections.abc import Sequence
from datetime import datetime
from itertools import permutations

from engine.parking.park import retry_id
from engine.verify.expected_rows import (
    LEARNER,
    PROGRESS,
    RETRY,
    SHAPES,
    SIGNAL,
    XP,
    Derived,
    LearnerState,
    apply_events,
    expected_rows,
)
from eventstore.event import Event
from projections.progress import Progress
from projections.rule import Rule
from projections.rules import RULES
from signals.course import CourseVersion, Step
from signals.course_catalog import CourseCatalog
from signals.signal import Signal, SignalType
from signals.xp import DEFAULT_XP_VALUES, XpValues
from tests.engine.support import at, ping, quiz, step


def course(course_id: str, *versions: tuple[Step, ...]) -> CourseCatalog:
    """One course, of which a version was published each day."""
    return CourseCatalog([tuple(CourseVersion(course_id, n + 1, "", steps, at(n)) for n, steps in enumerate(versions))])


def of(
    *events: Event,
    courses: CourseCatalog | None = None,
    xp_values: XpValues = DEFAULT_XP_VALUES,
    rules: Sequence[Rule] = RULES,
) -> Derived:
    """The rows that follow from these events."""
    evidence: dict[str, LearnerState] = {}
    apply_events(evidence, events, rules=rules)
    return expected_rows(evidence, courses or CourseCatalog(), xp_values)


def test_an_empty_log_says_nothing() -> None:
    assert of() == {shape: {} for shape in SHAPES}


def test_a_half_watched_video_is_progress_and_activity_and_no_more() -> None:
    rows = of(ping(at(1), 50), ping(at(2), 12))

    assert rows[PROGRESS] == {("ada", "a"): (None, None, 50, None, None, None)}
    assert rows[LEARNER] == {("ada",): (at(2),)}
    assert rows[SIGNAL] == rows[XP] == rows[RETRY] == {}


def test_a_completed_course_is_all_its_signals_and_their_xp() -> None:
    # given a course whose only step asks for a video and a quiz
    both = course("x", (step("a", "both"),))

    # when both are done, on Sunday and on Tuesday, in another month
    rows = of(ping(at(1)), quiz(at(3), 7.5), courses=both)

    # then
    assert rows[PROGRESS] == {("ada", "a"): ("x", None, 100, at(1), 7, at(3))}
    granted = [
        Signal(SignalType.VIDEO_COMPLETED, "ada", "a", None, at(1)),
        Signal(SignalType.QUIZ_PASSED, "ada", "a", None, at(3)),
        Signal(SignalType.STEP_COMPLETED, "ada", "a", "x", at(3)),
        Signal(SignalType.COURSE_COMPLETED, "ada", None, "x", at(3)),
    ]
    assert rows[SIGNAL] == {
        ("ada", signal.signal_id): (
            signal.type,
            signal.class_id,
            signal.course_id,
            signal.occurred_at,
            DEFAULT_XP_VALUES[signal.type],
        )
        for signal in granted
    }
    assert rows[XP] == {
        ("ada", "", "all"): (160,),
        ("ada", "", "2026-11"): (10,),
        ("ada", "", "2026-W48"): (10,),
        ("ada", "", "2026-12"): (150,),
        ("ada", "", "2026-W49"): (150,),
        ("ada", "x", "all"): (130,),
        ("ada", "x", "2026-12"): (130,),
        ("ada", "x", "2026-W49"): (130,),
    }


def test_learners_are_kept_apart() -> None:
    rows = of(ping(at(1)), ping(at(2), 5, user_id="bob"))

    assert rows[PROGRESS].keys() == {("ada", "a"), ("bob", "a")}
    assert {user_id for user_id, _ in rows[SIGNAL]} == {"ada"}
    assert rows[LEARNER] == {("ada",): (at(1),), ("bob",): (at(2),)}


def test_a_version_that_was_left_counts_as_long_as_it_was_in_force() -> None:
    versions = course("x", (step("a"),), (step("a"), step("b")))

    in_time, late = of(ping(at(0)), courses=versions), of(ping(at(1)), courses=versions)

    assert kinds(in_time) == {"VIDEO_COMPLETED", "STEP_COMPLETED", "COURSE_COMPLETED"}
    assert kinds(late) == {"VIDEO_COMPLETED", "STEP_COMPLETED"}


def kinds(rows: Derived) -> set[str]:
    return {values[0] for values in rows[SIGNAL].values()}


def test_signals_that_are_worth_nothing_are_on_no_leaderboard() -> None:
    rows = of(ping(at(1)), xp_values=dict.fromkeys(SignalType, 0))

    assert [values[-1] for values in rows[SIGNAL].values()] == [0]
    assert rows[XP] == {}


def test_the_order_and_the_parts_in_which_events_are_gathered_do_not_matter() -> None:
    events = [ping(at(2), course_id="z"), ping(at(1), 95, course_id="y"), quiz(at(3)), ping(at(0), 3)]
    expected = of(*events)

    for order in permutations(events):
        evidence: dict[str, LearnerState] = {}
        apply_events(evidence, order[:1])
        apply_events(evidence, order[1:])
        assert evidence["ada"].events == len(events)
        assert expected_rows(evidence, CourseCatalog(), DEFAULT_XP_VALUES) == expected


def raises(_: object, __: datetime) -> Progress:
    raise ArithmeticError("broken")


def test_what_a_rule_raises_on_is_parked_and_the_rest_counts() -> None:
    poison = ping(at(2), course_id="x")

    broken = [each._replace(apply=raises) if each.name == "video_progress" else each for each in RULES]
    rows = of(poison, quiz(at(1)), rules=broken)

    parked = retry_id("ada", poison.event_id, "video_progress")
    assert rows[RETRY] == {("ada", parked): (poison.event_id, "video_progress")}
    assert rows[PROGRESS] == {("ada", "a"): ("x", "x", 0, None, 10, at(1))}
    assert rows[LEARNER] == {("ada",): (at(2),)}
    assert kinds(rows) == {"QUIZ_PASSED"}
