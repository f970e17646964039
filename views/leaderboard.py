"""v_leaderboard: learners by XP. Equal XP gives equal rank, and the next rank counts all before it: 1, 1, 3.

There are leaderboards for all courses and for each, over all time, this week and this month.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Integer, Row, Select, bindparam, select
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import Name
from eventstore.errors import NotFoundError
from projections.rollups import xp_histogram
from projections.rollups.leaderboard import ALL_COURSES, ALL_TIME, LeaderboardEntryKey, LeaderboardKey
from projections.rollups.xp_histogram import XpBucket
from projections.tables import lms_xp
from views import learner_names
from views.page import Int32, KeyText, decode, encode


def definition(_: Dialect) -> str:
    """Return the view's SELECT:

    the leaderboard of all courses over all time. The cost depends on the selected rows only.
    """
    leaderboard = f"course_id = '{ALL_COURSES}' AND period = '{ALL_TIME}'"
    return f"""
    SELECT lms_xp.user_id, lms_xp.xp, 1 + counts.above AS rank
    FROM lms_xp
    LEFT JOIN (SELECT xp, CAST(sum(sum(learners)) OVER (ORDER BY xp DESC) - sum(learners) AS INTEGER) AS above
               FROM lms_xp_histogram WHERE {leaderboard} GROUP BY xp) AS counts ON counts.xp = lms_xp.xp
    WHERE {leaderboard}
    ORDER BY lms_xp.xp DESC, lms_xp.user_id
    """  # noqa: S608 - no input, constants of ours


class Entry(BaseModel):
    """A learner's entry on a leaderboard."""

    rank: int
    user_id: str
    xp: int


class NamedEntry(Entry):
    """An entry with the learner's name, null if none is known."""

    name: str | None


class Leaderboard(BaseModel):
    """Some entries of a leaderboard, and the cursor of the next page; null on the last one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entries": [{"rank": 1, "user_id": "ada", "xp": 160, "name": "Ada Lovelace"}],
                    "next": "WzE2MCwiYWRhIl0",
                }
            ]
        }
    )

    entries: list[NamedEntry]
    next: str | None


class Neighbourhood(BaseModel):
    """A learner's entry, and the entries `above` and `below`, both from the top down."""

    entry: NamedEntry
    above: list[NamedEntry]
    below: list[NamedEntry]


_x = lms_xp.c
_xp, _number = bindparam("xp", type_=Integer), bindparam("number", type_=Integer)
_user_id = bindparam("user_id", type_=Name)
_leaderboard = select(_x.user_id, _x.xp).where(_x.course_id == bindparam("course_id"), _x.period == bindparam("period"))
_downwards = _leaderboard.order_by(_x.xp.desc(), _x.user_id).limit(_number)
_upwards = _leaderboard.order_by(_x.xp, _x.user_id.desc()).limit(_number)

SELECT_ENTRY = _leaderboard.where(_x.user_id == _user_id)
"""A learner's entry."""

SELECT_TOP = _downwards
"""The first entries of a leaderboard."""

SELECT_TIES_AFTER = _leaderboard.where(_x.xp == _xp, _x.user_id > _user_id).order_by(_x.user_id).limit(_number)
"""The entries that follow a learner's with the same XP."""

SELECT_BELOW = _downwards.where(_x.xp < _xp)
"""The first entries with less XP."""

SELECT_TIES_BEFORE = _leaderboard.where(_x.xp == _xp, _x.user_id < _user_id).order_by(_x.user_id.desc()).limit(_number)
"""The entries before a learner's with the same XP, from the bottom up."""

SELECT_ABOVE = _upwards.where(_x.xp > _xp)
"""The last entries with more XP, from the bottom up."""


async def read(
    connection: AsyncConnection, leaderboard: LeaderboardKey, limit: int, cursor: str | None = None
) -> Leaderboard:
    """Return a page of the leaderboard from the top down."""
    if cursor is None:
        rows = (await connection.execute(SELECT_TOP, leaderboard._asdict() | {"number": limit + 1})).all()
    else:
        xp, user_id = decode(cursor, Int32, KeyText)
        rows = await neighbours_of(
            connection, SELECT_TIES_AFTER, SELECT_BELOW, LeaderboardEntryKey(user_id, leaderboard), xp, limit + 1
        )
    page_rows = rows[:limit]
    next_cursor = encode((page_rows[-1].xp, page_rows[-1].user_id)) if len(rows) > limit else None
    return Leaderboard(entries=await with_ranks(connection, leaderboard, page_rows), next=next_cursor)


async def read_around(
    connection: AsyncConnection, leaderboard: LeaderboardKey, user_id: str, neighbours: int
) -> Neighbourhood:
    """Return the learner's entry and up to `neighbours` on each side.

    Raise NotFoundError for a learner without XP there.
    """
    own = (await connection.execute(SELECT_ENTRY, leaderboard._asdict() | {"user_id": user_id})).one_or_none()
    if own is None:
        raise NotFoundError(f"expected a learner with XP on this leaderboard, found none for user_id {user_id!r}")
    entry = LeaderboardEntryKey(user_id, leaderboard)
    rows_above = await neighbours_of(connection, SELECT_TIES_BEFORE, SELECT_ABOVE, entry, own.xp, neighbours)
    rows_below = await neighbours_of(connection, SELECT_TIES_AFTER, SELECT_BELOW, entry, own.xp, neighbours)
    entries = await with_ranks(connection, leaderboard, [*rows_above[::-1], own, *rows_below])
    at = len(rows_above)
    return Neighbourhood(entry=entries[at], above=entries[:at], below=entries[at + 1 :])


async def neighbours_of(
    connection: AsyncConnection,
    ties: Select[Any, Any],
    others: Select[Any, Any],
    entry: LeaderboardEntryKey,
    xp: int,
    number: int,
) -> list[Row[Any, Any]]:
    """Return the entries next to one with that XP: ties, then others. An index serves each of the two queries."""
    key = entry.leaderboard._asdict() | {"user_id": entry.user_id, "xp": xp}
    rows = list(await connection.execute(ties, key | {"number": number}))
    if len(rows) < number:
        rows += await connection.execute(others, key | {"number": number - len(rows)})
    return rows


async def with_ranks(
    connection: AsyncConnection, leaderboard: LeaderboardKey, rows: Sequence[Row[Any, Any]]
) -> list[NamedEntry]:
    """Return consecutive entries with names and ranks, which follow from the rank of the first."""
    if not rows:
        return []
    counts = await xp_histogram.read_rank_counts(connection, XpBucket(*leaderboard, rows[0].xp))
    names = await learner_names.read(connection, [row.user_id for row in rows])
    ties = sum(row.xp == rows[0].xp for row in rows)
    rank = 1 + counts.above
    entries = []
    for offset, row in enumerate(rows):
        if offset and row.xp < rows[offset - 1].xp:
            rank = 1 + counts.not_below + offset - ties
        entries.append(NamedEntry(rank=rank, user_id=row.user_id, xp=row.xp, name=names.get(row.user_id)))
    return entries
