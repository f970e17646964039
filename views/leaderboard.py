"""v_leaderboard: learners by XP. Equal XP is equal rank, and the next rank counts all before it: 1, 1, 3.

Boards exist for all courses and for each, over all time, this week and this month.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, or_, select, true
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.dialects import insert
from eventstore.errors import NotFound
from eventstore.tables import lms_xp
from signals.xp import ALL_COURSES, ALL_TIME, Board, Place
from views.page import Int32, KeyText, decode, encode


def definition(_: Dialect) -> str:
    """The view's SELECT: the board of all courses over all time."""
    return f"""
    SELECT user_id, xp, rank() OVER (ORDER BY xp DESC) AS rank
    FROM lms_xp
    WHERE course_id = '{ALL_COURSES}' AND period = '{ALL_TIME}'
    ORDER BY xp DESC, user_id
    """  # noqa: S608 - no input, constants of ours


class Entry(BaseModel):
    """A learner's place on a board."""

    rank: int
    user_id: str
    xp: int


class Leaderboard(BaseModel):
    """Some entries of a board, and the cursor of those that follow; null when there are none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"entries": [{"rank": 1, "user_id": "ada", "xp": 160}], "next": "WzE2MCwiYWRhIl0"}]
        }
    )

    entries: list[Entry]
    next: str | None


class Neighbourhood(BaseModel):
    """A learner's entry, and those next to it on the board: `above` and `below`, both from the top down."""

    entry: Entry
    above: list[Entry]
    below: list[Entry]


_x = lms_xp.c
_changes = batch("changes", _x.user_id, _x.course_id, _x.period, _x.xp)
_insert = insert(lms_xp).from_select(["user_id", "course_id", "period", "xp"], select(*_changes.c).where(true()))
ADD = _insert.on_conflict_do_update(
    index_elements=[_x.user_id, _x.course_id, _x.period], set_={"xp": _x.xp + _insert.excluded.xp}
)
"""Adds XP to some learners' places."""

DELETE_EMPTY = delete(lms_xp).where(_x.xp == 0, _x.user_id.in_(select(_changes.c.user_id)))
"""Takes learners off the boards where all their XP has moved away."""

BEST_FIRST = (_x.xp.desc(), _x.user_id)


async def add_xp(connection: AsyncConnection, changes: Mapping[Place, int]) -> None:
    """Changes learners' XP. Callers hold the learners' locks."""
    if not changes:
        return
    rows = [(place.user_id, *place.board, xp) for place, xp in changes.items()]
    await connection.execute(ADD, {"changes": rows})
    if min(changes.values()) < 0:
        await connection.execute(DELETE_EMPTY, {"changes": rows})


async def read(connection: AsyncConnection, board: Board, limit: int, cursor: str | None = None) -> Leaderboard:
    """A page of the board from the top down."""
    query = select_board(board).order_by(*BEST_FIRST).limit(limit + 1)
    if cursor is not None:
        xp, user_id = decode(cursor, Int32, KeyText)
        query = query.where(below(xp, user_id))
    rows = (await connection.execute(query)).all()
    shown = rows[:limit]
    following = encode((shown[-1].xp, shown[-1].user_id)) if len(rows) > limit else None
    return Leaderboard(entries=await ranked(connection, board, shown), next=following)


async def read_around(connection: AsyncConnection, board: Board, user_id: str, neighbours: int) -> Neighbourhood:
    """The learner's entry and up to `neighbours` on each side. Raises NotFound for one who has no XP there."""
    own = (await connection.execute(select_board(board).where(_x.user_id == user_id))).one_or_none()
    if own is None:
        raise NotFound(f"expected a learner with XP on this leaderboard, found none for user_id {user_id!r}")
    upwards = select_board(board).where(above(own.xp, own.user_id)).order_by(_x.xp, _x.user_id.desc())
    downwards = select_board(board).where(below(own.xp, own.user_id)).order_by(*BEST_FIRST)
    rows_above = (await connection.execute(upwards.limit(neighbours))).all()[::-1]
    rows_below = (await connection.execute(downwards.limit(neighbours))).all()
    entries = await ranked(connection, board, [*rows_above, own, *rows_below])
    at = len(rows_above)
    return Neighbourhood(entry=entries[at], above=entries[:at], below=entries[at + 1 :])


def select_board(board: Board) -> Select[Any]:
    """The places of one board."""
    return select(_x.user_id, _x.xp).where(_x.course_id == board.course_id, _x.period == board.period)


def below(xp: int, user_id: str) -> ColumnElement[bool]:
    return and_(_x.xp <= xp, or_(_x.xp < xp, _x.user_id > user_id))


def above(xp: int, user_id: str) -> ColumnElement[bool]:
    return and_(_x.xp >= xp, or_(_x.xp > xp, _x.user_id < user_id))


async def ranked(connection: AsyncConnection, board: Board, rows: Sequence[Row[Any]]) -> list[Entry]:
    """Consecutive rows of the board with their ranks, for which only those before the first are counted."""
    if not rows:
        return []
    rank = 1 + await count(connection, board, _x.xp > rows[0].xp)
    position = 1 + await count(connection, board, above(rows[0].xp, rows[0].user_id))
    entries = []
    for offset, row in enumerate(rows):
        if offset and row.xp < rows[offset - 1].xp:
            rank = position + offset
        entries.append(Entry(rank=rank, user_id=row.user_id, xp=row.xp))
    return entries


async def count(connection: AsyncConnection, board: Board, condition: ColumnElement[bool]) -> int:
    """How many places of the board meet the condition."""
    places = select_board(board).where(condition).subquery()
    return int((await connection.execute(select(func.count()).select_from(places))).scalar_one())
