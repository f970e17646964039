"""XP: what a signal is worth, and in which leaderboards it counts.

Worth is a setting; what was earned keeps the worth it had until a replay recomputes it.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import NamedTuple

from eventstore.times import in_utc
from projections.rollups.leaderboard import ALL_COURSES, ALL_TIME, LeaderboardEntryKey, LeaderboardKey
from signals.signal import Signal, SignalType

XpValues = Mapping[SignalType, int]

DEFAULT_XP_VALUES: XpValues = {
    SignalType.VIDEO_COMPLETED: 10,
    SignalType.QUIZ_PASSED: 20,
    SignalType.STEP_COMPLETED: 30,
    SignalType.COURSE_COMPLETED: 100,
}

KNOWN_BOARDS = 65_536
"""For how many courses and days is kept which boards they are, since many signals share them."""


def week(instant: datetime) -> str:
    """The ISO week, from Monday 00:00 UTC, as `2026-W47`."""
    year, number, _ = in_utc(instant).isocalendar()
    return f"{year:04}-W{number:02}"


def month(instant: datetime) -> str:
    """The calendar month in UTC, as `2026-11`."""
    utc = in_utc(instant)
    return f"{utc.year:04}-{utc.month:02}"


def boards(signal: Signal) -> tuple[LeaderboardKey, ...]:
    """Every leaderboard that the signal's XP counts on."""
    return _boards(signal.course_id or ALL_COURSES, in_utc(signal.occurred_at).date())


@lru_cache(maxsize=KNOWN_BOARDS)
def _boards(course_id: str, day: date) -> tuple[LeaderboardKey, ...]:
    midnight = datetime.combine(day, time.min, UTC)
    periods = (ALL_TIME, week(midnight), month(midnight))
    return tuple(LeaderboardKey(on, period) for on in sorted({ALL_COURSES, course_id}) for period in periods)


class XpDelta(NamedTuple):
    """A signal came to be (`sign` 1) or is no longer where it was (-1), with its XP."""

    signal: Signal
    xp: int
    sign: int = 1


def sum_xp(earnings: Iterable[XpDelta]) -> dict[LeaderboardEntryKey, int]:
    """By how much XP each place changes; those that do not are left out."""
    changes = totals_by_learner(earnings)
    return {
        LeaderboardEntryKey(user_id, board): xp
        for user_id, theirs in changes.items()
        for board, xp in theirs.items()
        if xp
    }


def totals_by_learner(earnings: Iterable[XpDelta]) -> dict[str, dict[LeaderboardKey, int]]:
    """The same of each learner, by board, with those that do not change."""
    changes: dict[str, dict[LeaderboardKey, int]] = {}
    for signal, xp, sign in earnings:
        theirs = changes.setdefault(signal.user_id, {})
        for board in boards(signal):
            theirs[board] = theirs.get(board, 0) + sign * xp
    return changes
