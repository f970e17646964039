"""XP: the week and month of an instant, the leaderboards on which a signal counts, and the changes there."""

from datetime import datetime
from typing import Any

import pytest

from projections.rollups.leaderboard import LeaderboardEntryKey, LeaderboardKey
from signals.signal import Signal, SignalType
from signals.xp import XpDelta, leaderboards, month, sum_xp, week

EDGES = [
    # instant, week, month
    ("2026-11-29T23:59:59.999999+00:00", "2026-W48", "2026-11"),  # Sunday
    ("2026-11-30T00:00:00+00:00", "2026-W49", "2026-11"),  # Monday
    ("2026-11-30T01:00:00+02:00", "2026-W48", "2026-11"),  # Monday there, Sunday in UTC
    ("2026-11-29T22:00:00-02:00", "2026-W49", "2026-11"),  # Sunday there, Monday in UTC
    ("2026-11-30T23:59:59.999999+00:00", "2026-W49", "2026-11"),
    ("2026-12-01T00:00:00+00:00", "2026-W49", "2026-12"),
    ("2026-12-01T00:30:00+01:00", "2026-W49", "2026-11"),  # December there, November in UTC
    ("2024-02-29T12:00:00+00:00", "2024-W09", "2024-02"),
    ("2024-12-29T23:59:59.999999+00:00", "2024-W52", "2024-12"),
    ("2024-12-30T00:00:00+00:00", "2025-W01", "2024-12"),  # a week is of the year of its Thursday
    ("2026-12-31T23:59:59.999999+00:00", "2026-W53", "2026-12"),
    ("2027-01-03T23:59:59.999999+00:00", "2026-W53", "2027-01"),
    ("2027-01-04T00:00:00+00:00", "2027-W01", "2027-01"),
    ("0001-01-01T00:00:00+00:00", "0001-W01", "0001-01"),
    ("9999-12-31T23:59:59.999999+00:00", "9999-W52", "9999-12"),
]


@pytest.mark.parametrize(("instant", "of_week", "of_month"), EDGES)
def test_weeks_and_months_begin_and_end_in_utc(instant: str, of_week: str, of_month: str) -> None:
    parsed = datetime.fromisoformat(instant)

    assert (week(parsed), month(parsed)) == (of_week, of_month)


def passed(instant: str, **more: Any) -> Signal:
    """A quiz passed at that time of 2026: by ada, in class a, unless told otherwise."""
    occurred_at = datetime.fromisoformat(f"2026-{instant}+00:00")
    return Signal(SignalType.QUIZ_PASSED, "ada", "a", None, occurred_at)._replace(**more)


def completed(instant: str) -> Signal:
    """A step of course x, completed then."""
    return passed(instant, course_id="x")._replace(type=SignalType.STEP_COMPLETED)


def test_what_a_class_gives_by_itself_counts_on_the_boards_of_all_courses_alone() -> None:
    assert sorted(leaderboards(passed("11-29T12:00"))) == [
        LeaderboardKey("", "2026-11"),
        LeaderboardKey("", "2026-W48"),
        LeaderboardKey("", "all"),
    ]


SUNDAY, MONDAY, TUESDAY = "11-29T23:59:59.999999", "11-30T00:00", "12-01T00:00"

CHANGES: dict[str, tuple[list[XpDelta], dict[tuple[str, str], int]]] = {
    "two signals of one week add up": (
        [XpDelta(passed(MONDAY), 20), XpDelta(completed(MONDAY), 30)],
        {
            ("", "all"): 50,
            ("", "2026-W49"): 50,
            ("", "2026-11"): 50,
            ("x", "all"): 30,
            ("x", "2026-W49"): 30,
            ("x", "2026-11"): 30,
        },
    ),
    "two signals of two weeks add up but for the week": (
        [XpDelta(passed(SUNDAY), 20), XpDelta(passed(MONDAY, class_id="b"), 20)],
        {("", "all"): 40, ("", "2026-W48"): 20, ("", "2026-W49"): 20, ("", "2026-11"): 40},
    ),
    "a signal that moves to the week before takes its XP along": (
        [XpDelta(passed(MONDAY), 20, -1), XpDelta(passed(SUNDAY), 20)],
        {("", "2026-W49"): -20, ("", "2026-W48"): 20},
    ),
    "a signal that moves to the month before stays in its week": (
        [XpDelta(completed(TUESDAY), 30, -1), XpDelta(completed(MONDAY), 30)],
        {("", "2026-12"): -30, ("", "2026-11"): 30, ("x", "2026-12"): -30, ("x", "2026-11"): 30},
    ),
    "a signal that moves within its week and month changes nothing": (
        [XpDelta(passed("12-02T12:00"), 20, -1), XpDelta(passed(TUESDAY), 20)],
        {},
    ),
    "a signal that is worth nothing changes nothing": ([XpDelta(passed(MONDAY), 0)], {}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_earned_and_what_moved_changes_these_places_by_so_much(name: str) -> None:
    earnings, changes = CHANGES[name]

    assert sum_xp(earnings) == {LeaderboardEntryKey("ada", LeaderboardKey(*board)): xp for board, xp in changes.items()}


def test_learners_earn_apart() -> None:
    found = sum_xp([XpDelta(passed(MONDAY), 20), XpDelta(passed(MONDAY, user_id="bob"), 10)])

    assert found[LeaderboardEntryKey("ada", LeaderboardKey())] == 20
    assert found[LeaderboardEntryKey("bob", LeaderboardKey())] == 10
