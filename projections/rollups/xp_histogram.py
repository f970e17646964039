"""The histogram of XP: how many learners have how much XP on each leaderboard, from which a rank follows.

There are few amounts of XP where there are many learners, so a rank adds up a few rows, and counts no entries.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Integer, bindparam, case, delete, func, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore import db
from eventstore.db.json_rows import json_rows
from projections.tables import lms_xp, lms_xp_histogram

_h = lms_xp_histogram.c
_x = lms_xp.c
_KEY = [column.name for column in lms_xp_histogram.primary_key]

_changes = json_rows("changes", *(_h[name] for name in _KEY), _h.learners)
_insert = db.insert(lms_xp_histogram).from_select(
    [*_KEY, "learners"], select(*_changes.c).where(true()).order_by(*(_changes.c[name] for name in _KEY))
)
ADD = _insert.on_conflict_do_update(index_elements=_KEY, set_={"learners": _h.learners + _insert.excluded.learners})
"""Adds to the numbers of learners, in the order of the key, so that processes of one shard cannot deadlock."""

_xp = bindparam("xp", type_=Integer)
SELECT_RANK_COUNTS = select(
    func.coalesce(func.sum(case((_h.xp > _xp, _h.learners), else_=0)), 0).label("above"),
    func.coalesce(func.sum(_h.learners), 0).label("not_below"),
).where(_h.course_id == bindparam("course_id"), _h.period == bindparam("period"), _h.xp >= _xp)
"""The numbers of learners on a leaderboard with more XP, and with as much or more."""

DELETE_ALL = delete(lms_xp_histogram)
"""Deletes all counts."""

COUNT_ALL = insert(lms_xp_histogram).from_select(
    [*_KEY, "learners"],
    select(_x.course_id, _x.period, _x.xp, bindparam("shard", type_=Integer), func.count()).group_by(
        _x.course_id, _x.period, _x.xp
    ),
)
"""Counts the learners of all leaderboards."""


class XpBucket(NamedTuple):
    """An amount of XP on a leaderboard of a course and a period."""

    course_id: str
    period: str
    xp: int


class RankCounts(NamedTuple):
    """The numbers of learners on a leaderboard that are above an amount of XP, and that are not below it."""

    above: int
    not_below: int


async def add(connection: AsyncConnection, changes: Mapping[XpBucket, int], shard: int) -> None:
    """Add to the numbers of learners, under this process's `shard`, in the transaction that changes `lms_xp`.

    A learner without XP is on no leaderboard, and not counted.
    """
    rows = [(*bucket, shard, learners) for bucket, learners in changes.items() if bucket.xp and learners]
    if rows:
        await connection.execute(ADD, {"changes": rows})


async def read_rank_counts(connection: AsyncConnection, bucket: XpBucket) -> RankCounts:
    """Return how many learners have more XP than the bucket, and how many have as much or more."""
    return RankCounts(*(await connection.execute(SELECT_RANK_COUNTS, bucket._asdict())).one())


async def rebuild(connection: AsyncConnection, shard: int) -> None:
    """Count all learners again from `lms_xp`, which nobody else may change meanwhile."""
    await connection.execute(DELETE_ALL)
    await connection.execute(COUNT_ALL, {"shard": shard})
