"""The monitoring views: events by day, signals by learner, activity by learner."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.auth import needs
from api.keys import Scope
from api.openapi import responses
from engine.engine import Engine
from views import event_daily_stats, signal_summary, user_activity
from views.event_daily_stats import DailyStats
from views.page import DEFAULT_LIMIT, Cursor, Filter, Limit, Page
from views.signal_summary import SignalSummary
from views.user_activity import UserActivity

router = APIRouter(tags=["stats"], dependencies=[Depends(needs(Scope.READ))])


@router.get("/v1/stats/daily", summary="Events by day and type", responses=responses(401, 403, 422, 503))
async def get_daily(
    request: Request,
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[DailyStats]:
    """v_event_daily_stats: UTC days of `occurred_at`, the newest first."""
    engine: Engine = request.app.state.engine
    async with engine.database.read() as connection:
        return await event_daily_stats.read(connection, limit, cursor)


@router.get("/v1/stats/signals", summary="Signals by learner and type", responses=responses(401, 403, 422, 503))
async def get_signals(
    request: Request,
    user_id: Filter = None,
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[SignalSummary]:
    """v_signal_summary, by learner and type."""
    engine: Engine = request.app.state.engine
    async with engine.database.read() as connection:
        return await signal_summary.read(connection, limit, cursor, user_id)


@router.get("/v1/stats/activity", summary="Activity by learner", responses=responses(401, 403, 422, 503))
async def get_activity(
    request: Request,
    user_id: Filter = None,
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[UserActivity]:
    """v_user_activity: each learner's last activity, and events in the 24 hours before now."""
    engine: Engine = request.app.state.engine
    async with engine.database.read() as connection:
        return await user_activity.read(connection, limit, cursor, user_id)
