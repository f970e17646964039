"""Notifications: GET lists failed ones, POST sends them again, and queues summaries for mentors."""

from datetime import datetime

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import requires
from api.events.body import read_model
from api.lists import Paged, query
from api.openapi import body_of, responses
from bootstrap.keys import Scope
from bootstrap.sinks import check_notifying
from engine.engine import Engine
from integrations.contracts.notification import NOTIFIED
from integrations.notifications.summaries import queue_summaries
from integrations.notifications.summary import Period
from integrations.outbound import deliveries
from integrations.platform_monitor import store
from integrations.views import failed_notifications
from integrations.views.failed_notifications import FailedNotification
from views.page import Page

router = APIRouter(tags=["operations"], dependencies=[Depends(requires(Scope.OPERATE))])


class Retried(BaseModel):
    """The number of notifications that are sent again."""

    retried: int


class Cleared(BaseModel):
    """The time (UTC) before which cached mentors are not used any more."""

    cleared_at: datetime


class SummaryBody(BaseModel):
    """The period of a summary: the UTC day up to now, or the last full hour."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"period": "today"}]})

    period: Period = Field(strict=False)


class Queued(BaseModel):
    """The number of mentors with something to report in that period."""

    mentors: int


@router.post(
    "/v1/notifications/summary",
    summary="Tell mentors of a period",
    responses=responses(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=body_of(SummaryBody),
)
async def post_summary(request: Request) -> Queued:
    """Queue a summary for every mentor whose students did something in the period, once per mentor and period.

    409 while LMS_NOTIFY_MENTORS_ENABLED is not true.
    """
    engine: Engine = request.app.state.engine
    body = await read_model(request, SummaryBody)
    check_notifying(request.app.state.settings)
    return Queued(mentors=await queue_summaries(engine.database, body.period, engine.clock()))


@router.get("/v1/notifications/failed", summary="Notifications that failed", responses=responses(401, 403, 422, 503))
async def get_failed(request: Request, paged: Paged) -> Page[FailedNotification]:
    """Return failed notifications by status and sink, the oldest first: mentor, activity and reason."""
    return await query(request, lambda connection: failed_notifications.read(connection, NOTIFIED, *paged))


@router.post("/v1/notifications/retry", summary="Send failed notifications again", responses=responses(401, 403, 503))
async def post_retry(request: Request) -> Retried:
    """Send all failed notifications again at once, as if for the first time, also dead ones."""
    engine: Engine = request.app.state.engine
    async with engine.database.write_without_course_lock() as connection:
        return Retried(retried=await deliveries.retry(connection, {}, engine.clock(), NOTIFIED))


@router.post("/v1/mentors/clear", summary="Read mentors anew", responses=responses(401, 403, 503))
async def post_clear(request: Request) -> Cleared:
    """Make the monitor reload which mentors each student has, before its next poll."""
    engine: Engine = request.app.state.engine
    now = engine.clock()
    async with engine.database.write_without_course_lock() as connection:
        await store.clear(connection, now)
    return Cleared(cleared_at=now)
