"""The monitoring views: events and messages by day, signals and activity by learner, activities of a platform."""

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import requires
from api.lists import Paged, query
from api.openapi import responses
from bootstrap.keys import Scope
from integrations.contracts.notification import TOLD_OF
from integrations.platform_monitor import store
from integrations.platform_monitor.mentor_cache import MentorFigures
from integrations.views import activity_stats
from integrations.views.activity_stats import ActivityStats
from views import event_daily_stats, message_daily_stats, signal_summary, user_activity
from views.event_daily_stats import DailyStats
from views.message_daily_stats import MessageStats
from views.page import Filter, Page
from views.signal_summary import SignalSummary
from views.user_activity import UserActivity


class PlatformStats(ActivityStats):
    """The statistics of activities, with what the process that polled last knows of students' mentors."""

    mentors: MentorFigures


router = APIRouter(tags=["stats"], dependencies=[Depends(requires(Scope.READ))])


@router.get("/v1/stats/daily", summary="Events by day and type", responses=responses(401, 403, 422, 503))
async def get_daily(
    request: Request,
    paged: Paged,
) -> Page[DailyStats]:
    """Return v_event_daily_stats: UTC days of `occurred_at`, the newest first."""
    return await query(request, lambda connection: event_daily_stats.read(connection, *paged))


@router.get(
    "/v1/stats/messages", summary="Messages by day, source, topic and type", responses=responses(401, 403, 422, 503)
)
async def get_messages(
    request: Request,
    paged: Paged,
) -> Page[MessageStats]:
    """Return v_message_daily_stats: the UTC days on which messages of other systems were stored, the newest first."""
    return await query(request, lambda connection: message_daily_stats.read(connection, *paged))


@router.get("/v1/stats/signals", summary="Signals by learner and type", responses=responses(401, 403, 422, 503))
async def get_signals(
    request: Request,
    paged: Paged,
    user_id: Filter = None,
) -> Page[SignalSummary]:
    """Return v_signal_summary, by learner and type."""
    return await query(request, lambda connection: signal_summary.read(connection, *paged, user_id))


@router.get("/v1/stats/activity", summary="Activity by learner", responses=responses(401, 403, 422, 503))
async def get_activity(
    request: Request,
    paged: Paged,
    user_id: Filter = None,
) -> Page[UserActivity]:
    """Return v_user_activity: each learner's last activity, and events in the 24 hours before now."""
    return await query(request, lambda connection: user_activity.read(connection, *paged, user_id))


@router.get("/v1/stats/activities", summary="Activities of the monitored platform", responses=responses(401, 403, 503))
async def get_activities(request: Request) -> PlatformStats:
    """Return how many activities were detected, processed and parked, and how many were notified or failed."""

    async def read(connection: AsyncConnection) -> PlatformStats:
        stats = await activity_stats.totals(connection, TOLD_OF)
        return PlatformStats(**stats.model_dump(), mentors=await store.figures(connection))

    return await query(request, read)
