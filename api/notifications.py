"""Notifications: POST has mentors told what their students did over a period."""

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import needs
from api.body import read_model
from api.keys import Scope
from api.openapi import body_of, responses
from api.sinks import check_notifying
from engine.engine import Engine
from integrations.notifications.summaries import queue_summaries
from integrations.notifications.summary import Period

router = APIRouter(tags=["operations"], dependencies=[Depends(needs(Scope.OPERATE))])


class SummaryBody(BaseModel):
    """Of which period: the UTC day up to now, or the last full hour."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"period": "today"}]})

    period: Period = Field(strict=False)


class Queued(BaseModel):
    """How many mentors there is something to tell of that period."""

    mentors: int


@router.post(
    "/v1/notifications/summary",
    summary="Tell mentors of a period",
    responses=responses(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=body_of(SummaryBody),
)
async def post_summary(request: Request) -> Queued:
    """Queues a summary for every mentor whose students did something in the period; once for each of both.

    409 while LMS_NOTIFY_MENTORS_ENABLED is not true.
    """
    engine: Engine = request.app.state.engine
    body = await read_model(request, SummaryBody)
    check_notifying(request.app.state.settings)
    return Queued(mentors=await queue_summaries(engine.database, body.period, engine.clock()))
