"""v_leaderboard: learners by XP. Equal XP is equal rank, and the next rank counts all before it: 1, 1, 3.

Boards exist for all courses and for each, over all time, this week and this month.
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
    """The view's SELECT: the board of all courses over all time. Its first rows cost no more than they are."""
    board = f"course_id = '{ALL_COURSES}' AND period = '{ALL_TIME}'"
    return f"""
    SELECT lms_xp.user_id, lms_xp.xp, 1 + standing.above AS rank
    FROM lms_xp
    LEFT JOIN (SELECT xp, CAST(sum(sum(learners)) OVER (ORDER BY xp DESC) - sum(learners) AS INTEGER) AS above
               FROM lms_xp_histogram WHERE {board} GROUP BY xp) AS standing ON standing.xp = lms_xp.xp
    WHERE {board}
    ORDER BY lms_xp.xp DESC, lms_xp.user_id
    """  # noqa: S608 - no input, constants of ours


class Entry(BaseModel):
    """A learner's place on a board."""

    rank: int
    user_id: str
    xp: int


class NamedEntry(Entry):
    """With the learner's name, null while nobody said it."""

    name: str | None


class Leaderboard(BaseModel):
    """Some entries of a board, and the cursor of those that follow; null when there are none."""

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
    """A learner's entry, and those next to it on the board: `above` and `below`, both from the top down."""

    entry: NamedEntry
    above: list[NamedEntry]
    below: list[NamedEntry]


_x = lms_xp.c
_xp, _number = bindparam("xp", type_=Integer), bindparam("number", type_=Integer)
_user_id = bindparam("user_id", type_=Name)
_board = select(_x.user_id, _x.xp).where(_x.course_id == bindparam("course_id"), _x.period == bindparam("period"))
_downwards = _board.order_by(_x.xp.desc(), _x.user_id).limit(_number)
_upwards = _board.order_by(_x.xp, _x.user_id.desc()).limit(_number)

SELECT_PLACE = _board.where(_x.user_id == _user_id)
"""One learner's place on a board."""

SELECT_TOP = _downwards
"""The first places of a board."""

SELECT_TIES_AFTER = _board.where(_x.xp == _xp, _x.user_id > _user_id).order_by(_x.user_id).limit(_number)
"""The places that follow a learner's with the same XP."""

SELECT_BELOW = _downwards.where(_x.xp < _xp)
"""The first places with less XP."""

SELECT_TIES_BEFORE = _board.where(_x.xp == _xp, _x.user_id < _user_id).order_by(_x.user_id.desc()).limit(_number)
"""The places before a learner's with the same XP, from the bottom up."""

SELECT_ABOVE = _upwards.where(_x.xp > _xp)
"""The last places with more XP, from the bottom up."""


async def read(
    connection: AsyncConnection, board: LeaderboardKey, limit: int, cursor: str | None = None
) -> Leaderboard:
    """A page of the board from the top down."""
    if cursor is None:
        rows = (await connection.execute(SELECT_TOP, board._asdict() | {"number": limit + 1})).all()
    else:
        xp, user_id = decode(cursor, Int32, KeyText)
        rows = await neighbours_of(
            connection, SELECT_TIES_AFTER, SELECT_BELOW, LeaderboardEntryKey(user_id, board), xp, limit + 1
        )
    shown = rows[:limit]
    following = encode((shown[-1].xp, shown[-1].user_id)) if len(rows) > limit else None
    return Leaderboard(entries=await with_ranks(connection, board, shown), next=following)


async def read_around(
    connection: AsyncConnection, board: LeaderboardKey, user_id: str, neighbours: int
) -> Neighbourhood:
    """The learner's entry and up to `neighbours` on each side. Raises NotFound for one who has no XP there."""
    own = (await connection.execute(SELECT_PLACE, board._asdict() | {"user_id": user_id})).one_or_none()
    if own is None:
        raise NotFoundError(f"expected a learner with XP on this leaderboard, found none for user_id {user_id!r}")
    place = LeaderboardEntryKey(user_id, board)
    rows_above = await neighbours_of(connection, SELECT_TIES_BEFORE, SELECT_ABOVE, place, own.xp, neighbours)
    rows_below = await neighbours_of(connection, SELECT_TIES_AFTER, SELECT_BELOW, place, own.xp, neighbours)
    entries = await with_ranks(connection, board, [*rows_above[::-1], own, *rows_below])
    at = len(rows_above)
    return Neighbourhood(entry=entries[at], above=entries[:at], below=entries[at + 1 :])


async def neighbours_of(
    connection: AsyncConnection,
    ties: Select[Any, Any],
    others: Select[Any, Any],
    place: LeaderboardEntryKey,
    xp: int,
    number: int,
) -> list[Row[Any, Any]]:
    """So many places next to one with that XP: ties, then others. An index finds each; both at once, it would not."""
    key = place.leaderboard._asdict() | {"user_id": place.user_id, "xp": xp}
    rows = list(await connection.execute(ties, key | {"number": number}))
    if len(rows) < number:
        rows += await connection.execute(others, key | {"number": number - len(rows)})
    return rows


async def with_ranks(
    connection: AsyncConnection, board: LeaderboardKey, rows: Sequence[Row[Any, Any]]
) -> list[NamedEntry]:
    """Consecutive rows of the board with their names and ranks, which follow from the rank of the first."""
    if not rows:
        return []
    standing = await xp_histogram.read_rank_counts(connection, XpBucket(*board, rows[0].xp))
    names = await learner_names.read(connection, [row.user_id for row in rows])
    ties = sum(row.xp == rows[0].xp for row in rows)
    rank = 1 + standing.above
    entries = []
    for offset, row in enumerate(rows):
        if offset and row.xp < rows[offset - 1].xp:
            rank = 1 + standing.not_below + offset - ties
        entries.append(NamedEntry(rank=rank, user_id=row.user_id, xp=row.xp, name=names.get(row.user_id)))
    return entries
