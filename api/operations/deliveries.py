"""Deliveries: GET lists them, POST retries failed ones."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import requires
from api.events.body import read_model
from api.lists import Paged, query
from api.openapi import body_of, responses
from bootstrap.keys import Scope
from engine.engine import Engine
from eventstore.event_type import Ident
from integrations.outbound import deliveries
from integrations.tables import DeliveryStatus
from integrations.views import delivery_list
from integrations.views.delivery_list import DeliveryItem
from views.page import Page

router = APIRouter(tags=["operations"], dependencies=[Depends(requires(Scope.OPERATE))])


class RetryBody(BaseModel):
    """The failed deliveries to retry: of a sink, a learner and a message, as far as they are given."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"sink": "rabbitmq"}, {"user_id": "ada"}, {}]},
    )

    sink: Ident | None = None
    user_id: Ident | None = None
    message_id: Annotated[str | None, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] = None


class Retried(BaseModel):
    """The number of deliveries that are attempted again."""

    retried: int


@router.get("/v1/deliveries", summary="Deliveries to other systems", responses=responses(401, 403, 422, 503))
async def get_deliveries(request: Request, paged: Paged, status: DeliveryStatus | None = None) -> Page[DeliveryItem]:
    """Return deliveries by status and sink, the oldest message first."""
    return await query(request, lambda connection: delivery_list.read(connection, *paged, status))


@router.post(
    "/v1/deliveries/retry",
    summary="Retry deliveries that failed",
    responses=responses(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=body_of(RetryBody),
)
async def post_retry(request: Request) -> Retried:
    """Retry failed deliveries at once, as if for the first time, also dead ones, except to receivers that are gone."""
    engine: Engine = request.app.state.engine
    body = await read_model(request, RetryBody)
    async with engine.database.write_without_course_lock() as connection:
        filters = body.model_dump(exclude_none=True)
        return Retried(retried=await deliveries.retry(connection, filters, engine.clock()))
