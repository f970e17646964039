"""Parked events: GET lists them, POST retries one."""

from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from api.auth import requires
from api.lists import Paged, query
from api.openapi import responses
from bootstrap.keys import Scope
from engine.engine import Engine
from engine.parking.retry import retry_one
from projections.tables import RetryStatus
from views import retry_list
from views.page import Page
from views.retry_list import RetryItem

router = APIRouter(tags=["operations"], dependencies=[Depends(requires(Scope.OPERATE))])


class Retried(BaseModel):
    """Whether the event is projected now, and parked no longer."""

    succeeded: bool


@router.get("/v1/retries", summary="Parked events", responses=responses(401, 403, 422, 503))
async def get_retries(
    request: Request,
    paged: Paged,
    status: RetryStatus | None = None,
) -> Page[RetryItem]:
    """Return parked events, the longest parked first: why, and when they are retried."""
    return await query(request, lambda connection: retry_list.read(connection, *paged, status))


@router.post(
    "/v1/retries/{retry_id}/retry", summary="Retry a parked event", responses=responses(401, 403, 404, 422, 503)
)
async def post_retry(request: Request, retry_id: UUID) -> Retried:
    """Retry an event at once, due or not, dead or not. If it fails again, `last_error` has the reason."""
    engine: Engine = request.app.state.engine
    succeeded = await retry_one(engine.database, str(retry_id), engine.context, engine.clock)
    return Retried(succeeded=succeeded)
