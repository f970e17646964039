"""XP: the value of each signal type, and the leaderboards on which a signal counts.

The values are a setting; earned XP stays as it was until a replay computes it again.
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

CACHED_DAYS = 65_536
"""The size of the cache of leaderboards by course and day, which many signals share."""


def week(instant: datetime) -> str:
    """Return the ISO week, from Monday 00:00 UTC, as `2026-W47`."""
    year, number, _ = in_utc(instant).isocalendar()
    return f"{year:04}-W{number:02}"


def month(instant: datetime) -> str:
    """Return the calendar month in UTC, as `2026-11`."""
    utc = in_utc(instant)
    return f"{utc.year:04}-{utc.month:02}"


def leaderboards(signal: Signal) -> tuple[LeaderboardKey, ...]:
    """Return every leaderboard on which the signal's XP counts."""
    return _leaderboards(signal.course_id or ALL_COURSES, in_utc(signal.occurred_at).date())


@lru_cache(maxsize=CACHED_DAYS)
def _leaderboards(course_id: str, day: date) -> tuple[LeaderboardKey, ...]:
    midnight = datetime.combine(day, time.min, UTC)
    periods = (ALL_TIME, week(midnight), month(midnight))
    return tuple(LeaderboardKey(on, period) for on in sorted({ALL_COURSES, course_id}) for period in periods)


class XpDelta(NamedTuple):
    """A signal that was added (`sign` 1) or removed from its place (-1), with its XP."""

    signal: Signal
    xp: int
    sign: int = 1


def sum_xp(deltas: Iterable[XpDelta]) -> dict[LeaderboardEntryKey, int]:
    """Return by how much each leaderboard entry changes, without those that do not."""
    changes = totals_by_learner(deltas)
    return {
        LeaderboardEntryKey(user_id, leaderboard): xp
        for user_id, by_leaderboard in changes.items()
        for leaderboard, xp in by_leaderboard.items()
        if xp
    }


def totals_by_learner(deltas: Iterable[XpDelta]) -> dict[str, dict[LeaderboardKey, int]]:
    """Return by how much each learner's entries change, by leaderboard, with those that do not."""
    changes: dict[str, dict[LeaderboardKey, int]] = {}
    for signal, xp, sign in deltas:
        by_leaderboard = changes.setdefault(signal.user_id, {})
        for leaderboard in leaderboards(signal):
            by_leaderboard[leaderboard] = by_leaderboard.get(leaderboard, 0) + sign * xp
    return changes
