"""The histogram of XP compared with lms_xp, and its repair.

It belongs to no learner, so one statement compares it, and it is repaired while nobody appends.
"""

from sqlalchemy import Integer, bindparam, cast, func, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.projecting.context import Context
from engine.verify.expected_rows import Rows
from engine.verify.table_diff import Difference, compare, differences
from eventstore.db import insert
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from projections.tables import lms_xp, lms_xp_histogram

HISTOGRAM = lms_xp_histogram.name

_x = lms_xp.c
_h = lms_xp_histogram.c
_level = ("course_id", "period", "xp")

_none = cast(null(), Integer)
_placed = select(_x.course_id, _x.period, _x.xp, func.count().label("placed"), _none.label("counted")).group_by(
    _x.course_id, _x.period, _x.xp
)
_counted = select(_h.course_id, _h.period, _h.xp, _none, func.sum(_h.learners)).group_by(_h.course_id, _h.period, _h.xp)
_both = _placed.union_all(_counted).subquery().c
_placed_sum, _counted_sum = func.coalesce(func.sum(_both.placed), 0), func.coalesce(func.sum(_both.counted), 0)

SELECT_DIFFERING = (
    select(_both.course_id, _both.period, _both.xp, _placed_sum.label("placed"), _counted_sum.label("counted"))
    .group_by(_both.course_id, _both.period, _both.xp)
    .having(_placed_sum != _counted_sum)
)
"""The leaderboards and amounts of XP whose number of learners differs from lms_xp."""

_levels = json_rows("levels", _h.course_id, _h.period, _h.xp)
_same_place = [_x[name] == _levels.c[name] for name in _level]
_same_count = [_h[name] == _levels.c[name] for name in _level]
_places = select(func.count()).select_from(lms_xp).where(*_same_place).scalar_subquery()
_counts = select(func.coalesce(func.sum(_h.learners), 0)).where(*_same_count).scalar_subquery()
_insert = insert(lms_xp_histogram).from_select(
    [*_level, "shard", "learners"],
    select(*_levels.c, bindparam("shard", type_=Integer), _places - _counts).where(_places != _counts),
)
ADD_DIFFERENCES = _insert.on_conflict_do_update(
    index_elements=[*_level, "shard"], set_={"learners": _h.learners + _insert.excluded.learners}
)
"""Adds the differences to the histogram."""


async def histogram_differences(connection: AsyncConnection) -> list[Difference]:
    """Return where the histogram differs from lms_xp."""
    rows = (await connection.execute(SELECT_DIFFERING)).all()
    expected: Rows = {(row.course_id, row.period, str(row.xp)): (row.placed,) for row in rows if row.placed}
    found: Rows = {(row.course_id, row.period, str(row.xp)): (row.counted,) for row in rows if row.counted}
    return list(differences(HISTOGRAM, ["learners"], compare(expected, found)))


async def repair_histogram(database: Database, context: Context) -> int:
    """Repair the histogram from lms_xp. Return the number of its rows that differed."""
    async with database.read() as connection:
        differing = [difference.key for difference in await histogram_differences(connection)]
    if differing:
        levels = [(course_id, period, int(xp)) for course_id, period, xp in differing]
        async with database.write_exclusive() as connection:
            await connection.execute(ADD_DIFFERENCES, {"levels": levels, "shard": context.shard})
    return len(differing)
