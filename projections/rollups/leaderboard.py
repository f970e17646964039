"""The leaderboard: how much XP each learner has in each course and period, and the histogram that ranks follow from."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Row, delete, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from projections.rollups import xp_histogram
from projections.rollups.xp_histogram import XpBucket
from projections.tables import lms_xp

ALL_TIME = "all"
ALL_COURSES = ""


class LeaderboardKey(NamedTuple):
    """A leaderboard: of a course (or `ALL_COURSES`), over a period (`ALL_TIME`, a week, a month)."""

    course_id: str = ALL_COURSES
    period: str = ALL_TIME


class LeaderboardEntryKey(NamedTuple):
    """A learner on one leaderboard."""

    user_id: str
    leaderboard: LeaderboardKey


_x = lms_xp.c
_changes = json_rows("changes", _x.user_id, _x.course_id, _x.period, _x.xp)
_insert = insert(lms_xp).from_select(["user_id", "course_id", "period", "xp"], select(*_changes.c).where(true()))
ADD = _insert.on_conflict_do_update(
    index_elements=[_x.user_id, _x.course_id, _x.period], set_={"xp": _x.xp + _insert.excluded.xp}
).returning(*_x)
"""Adds XP to entries, and returns what they have now."""

DELETE_EMPTY = delete(lms_xp).where(_x.xp == 0, _x.user_id.in_(select(_changes.c.user_id)))
"""Deletes entries of these learners that have no XP left."""


async def add(connection: AsyncConnection, changes: Mapping[LeaderboardEntryKey, int], shard: int) -> None:
    """Add XP to leaderboard entries and change the histogram accordingly. The caller holds the learners' locks."""
    if not changes:
        return
    rows = [(key.user_id, *key.leaderboard, xp) for key, xp in changes.items()]
    entries = (await connection.execute(ADD, {"changes": rows})).all()
    if any(entry.xp == 0 for entry in entries):
        await connection.execute(DELETE_EMPTY, {"changes": rows})
    await xp_histogram.add(connection, histogram_deltas(entries, changes), shard)


def histogram_deltas(
    entries: Iterable[Row[str, str, str, int]], changes: Mapping[LeaderboardEntryKey, int]
) -> Counter[XpBucket]:
    """Return by how much the number of learners in each bucket changes, where `changes` led to these `entries`."""
    learners: Counter[XpBucket] = Counter()
    for user_id, course_id, period, xp in entries:
        key = LeaderboardEntryKey(user_id, LeaderboardKey(course_id, period))
        learners[XpBucket(course_id, period, xp)] += 1
        learners[XpBucket(course_id, period, xp - changes[key])] -= 1
    return learners
