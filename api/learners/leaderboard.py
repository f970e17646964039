"""The leaderboard: all learners or a neighbourhood, of one course or all, over all time, this week or this month."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from api.auth import requires_leaderboard_access
from api.lists import Paged, query
from api.openapi import responses
from api.paths import USER_ID
from engine.engine import Engine
from eventstore.event_type import Ident
from projections.rollups.leaderboard import ALL_COURSES, ALL_TIME, LeaderboardKey
from signals.xp import month, week
from views import leaderboard
from views.leaderboard import Leaderboard, Neighbourhood
from views.page import Filter

router = APIRouter(tags=["leaderboard"], dependencies=[Depends(requires_leaderboard_access)])


class Window(StrEnum):
    """The XP that counts: all, or what was earned since Monday 00:00 UTC, or since the month began in UTC."""

    ALL = "all"
    WEEK = "week"
    MONTH = "month"


PERIOD: Mapping[Window, Callable[[datetime], str]] = {
    Window.ALL: lambda _: ALL_TIME,
    Window.WEEK: week,
    Window.MONTH: month,
}


async def board(request: Request, window: Window = Window.ALL, course_id: Filter = None) -> LeaderboardKey:
    """Return the leaderboard that the query names, as of now."""
    engine: Engine = request.app.state.engine
    return LeaderboardKey(course_id or ALL_COURSES, PERIOD[window](engine.clock()))


@router.get("/v1/leaderboard", summary="The leaderboard", responses=responses(401, 403, 422, 503))
async def get_leaderboard(
    request: Request,
    paged: Paged,
    of: Annotated[LeaderboardKey, Depends(board)],
) -> Leaderboard:
    """Return learners by XP. Equal XP gives equal rank, and the next rank counts all before it: 1, 1, 3."""
    return await query(request, lambda connection: leaderboard.read(connection, of, *paged))


@router.get(
    f"/v1/leaderboard/{USER_ID}",
    summary="A learner's place on the leaderboard",
    responses=responses(401, 403, 404, 422, 503),
)
async def get_neighbourhood(
    request: Request,
    user_id: Annotated[Ident, Path()],
    of: Annotated[LeaderboardKey, Depends(board)],
    neighbours: Annotated[int, Query(ge=0, le=100, description="How many entries on each side")] = 0,
) -> Neighbourhood:
    """Return the learner's entry and its neighbours. 404 for a learner without XP on this leaderboard."""
    return await query(request, lambda connection: leaderboard.read_around(connection, of, user_id, neighbours))
