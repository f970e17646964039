"""lms_xp: how much XP each learner has on each leaderboard, kept as signals come, and the histogram with it."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Row, delete, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_xp
from signals.xp import LeaderboardEntryKey, LeaderboardKey
from views import xp_histogram
from views.xp_histogram import XpBucket

_x = lms_xp.c
_changes = json_rows("changes", _x.user_id, _x.course_id, _x.period, _x.xp)
_insert = insert(lms_xp).from_select(["user_id", "course_id", "period", "xp"], select(*_changes.c).where(true()))
ADD = _insert.on_conflict_do_update(
    index_elements=[_x.user_id, _x.course_id, _x.period], set_={"xp": _x.xp + _insert.excluded.xp}
).returning(*_x)
"""Adds XP to some learners' places. What those have now."""

DELETE_EMPTY = delete(lms_xp).where(_x.xp == 0, _x.user_id.in_(select(_changes.c.user_id)))
"""Takes learners off the boards where all their XP has moved away."""


async def record(connection: AsyncConnection, changes: Mapping[LeaderboardEntryKey, int], shard: int) -> None:
    """Changes learners' XP, and with it how many have how much. Callers hold the learners' locks."""
    if not changes:
        return
    rows = [(place.user_id, *place.board, xp) for place, xp in changes.items()]
    places = (await connection.execute(ADD, {"changes": rows})).all()
    if any(place.xp == 0 for place in places):
        await connection.execute(DELETE_EMPTY, {"changes": rows})
    await xp_histogram.record(connection, histogram_deltas(places, changes), shard)


def histogram_deltas(
    places: Iterable[Row[str, str, str, int]], changes: Mapping[LeaderboardEntryKey, int]
) -> Counter[XpBucket]:
    """How many learners more, or fewer, have so much XP, where these `places` came about by these changes."""
    learners: Counter[XpBucket] = Counter()
    for user_id, course_id, period, xp in places:
        board = LeaderboardKey(course_id, period)
        learners[XpBucket(board, xp)] += 1
        learners[XpBucket(board, xp - changes[LeaderboardEntryKey(user_id, board)])] -= 1
    return learners
