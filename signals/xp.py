"""XP: what a signal is worth, and in which leaderboards it counts.

Worth is a setting; what was earned keeps the worth it had until a replay recomputes it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from signals.signal import Signal, SignalType

Worth = Mapping[SignalType, int]

DEFAULT_WORTH: Worth = {
    SignalType.VIDEO_COMPLETED: 10,
    SignalType.QUIZ_PASSED: 20,
    SignalType.STEP_COMPLETED: 30,
    SignalType.COURSE_COMPLETED: 100,
}

ALL_TIME = "all"
ALL_COURSES = ""


class Board(NamedTuple):
    """One leaderboard: of a course (or `ALL_COURSES`), over a period (`ALL_TIME`, a week, a month)."""

    course_id: str = ALL_COURSES
    period: str = ALL_TIME


class Place(NamedTuple):
    """One learner on one board."""

    user_id: str
    board: Board


def week(instant: datetime) -> str:
    """The ISO week, from Monday 00:00 UTC, as `2026-W47`."""
    year, number, _ = instant.astimezone(UTC).isocalendar()
    return f"{year:04}-W{number:02}"


def month(instant: datetime) -> str:
    """The calendar month in UTC, as `2026-11`."""
    utc = instant.astimezone(UTC)
    return f"{utc.year:04}-{utc.month:02}"


def boards(signal: Signal) -> Iterable[Board]:
    """Every leaderboard that the signal's XP counts on."""
    for course_id in {ALL_COURSES, signal.course_id or ALL_COURSES}:
        for period in (ALL_TIME, week(signal.occurred_at), month(signal.occurred_at)):
            yield Board(course_id, period)


class Earning(NamedTuple):
    """A signal came to be (`sign` 1) or is no longer where it was (-1), with its XP."""

    signal: Signal
    xp: int
    sign: int = 1


def totals(earnings: Iterable[Earning]) -> dict[Place, int]:
    """By how much XP each place changes; those that do not are left out."""
    changes: Counter[Place] = Counter()
    for earning in earnings:
        for board in boards(earning.signal):
            changes[Place(earning.signal.user_id, board)] += earning.sign * earning.xp
    return {place: xp for place, xp in changes.items() if xp}
