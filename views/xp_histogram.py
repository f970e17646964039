"""How many learners have how much XP on each leaderboard: a rank is one more than the learners who have more.

XP values are few where learners are many, so a rank adds a few rows up, and counts no places.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Integer, bindparam, case, delete, func, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore import db
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_xp, lms_xp_histogram
from signals.xp import LeaderboardKey

_h = lms_xp_histogram.c
_x = lms_xp.c
_KEY = [column.name for column in lms_xp_histogram.primary_key]

_changes = json_rows("changes", *(_h[name] for name in _KEY), _h.learners)
_insert = db.insert(lms_xp_histogram).from_select(
    [*_KEY, "learners"], select(*_changes.c).where(true()).order_by(*(_changes.c[name] for name in _KEY))
)
ADD = _insert.on_conflict_do_update(index_elements=_KEY, set_={"learners": _h.learners + _insert.excluded.learners})
"""Adds to the numbers of learners; in one order everywhere, so that processes of one shard cannot deadlock."""

_xp = bindparam("xp", type_=Integer)
SELECT_STANDING = select(
    func.coalesce(func.sum(case((_h.xp > _xp, _h.learners), else_=0)), 0).label("above"),
    func.coalesce(func.sum(_h.learners), 0).label("not_below"),
).where(_h.course_id == bindparam("course_id"), _h.period == bindparam("period"), _h.xp >= _xp)
"""How many learners on a board have more XP than that, and how many as much or more."""

DELETE_ALL = delete(lms_xp_histogram)
"""Forgets all that was counted."""

COUNT_ALL = insert(lms_xp_histogram).from_select(
    [*_KEY, "learners"],
    select(_x.course_id, _x.period, _x.xp, bindparam("shard", type_=Integer), func.count()).group_by(
        _x.course_id, _x.period, _x.xp
    ),
)
"""Counts the learners of all boards."""


class XpBucket(NamedTuple):
    """So much XP on a board."""

    board: LeaderboardKey
    xp: int


class RankCounts(NamedTuple):
    """How many learners on a board are above some XP, and how many are not below it."""

    above: int
    not_below: int


async def record(connection: AsyncConnection, changes: Mapping[XpBucket, int], shard: int) -> None:
    """Changes the numbers of learners, under this process's `shard`, as `lms_xp` changed in this transaction.

    Without XP a learner has no place on a board, and is not counted.
    """
    rows = [(*level.board, level.xp, shard, learners) for level, learners in changes.items() if level.xp and learners]
    if rows:
        await connection.execute(ADD, {"changes": rows})


async def read_standing(connection: AsyncConnection, level: XpBucket) -> RankCounts:
    """How many learners have more XP than that, and how many have as much or more."""
    row = await connection.execute(SELECT_STANDING, {**level.board._asdict(), "xp": level.xp})
    return RankCounts(*row.one())


async def rebuild(connection: AsyncConnection, shard: int) -> None:
    """Counts all learners anew from `lms_xp`, which nobody else may change meanwhile."""
    await connection.execute(DELETE_ALL)
    await connection.execute(COUNT_ALL, {"shard": shard})
