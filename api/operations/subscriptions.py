"""Subscriptions: POST subscribes a URL to signals by signed webhooks, GET lists them, DELETE ends one."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.auth import requires
from api.events.body import read_model
from api.lists import Paged, query
from api.openapi import body_of, responses
from api.paths import SUBSCRIPTION_ID
from bootstrap.keys import Scope
from engine.engine import Engine
from eventstore.event_type import Ident
from integrations.contracts.webhook import SUBSCRIBABLE, SubscribedType
from integrations.views import subscription_list
from integrations.views.subscription_list import SubscriptionItem
from integrations.webhook import subscriptions
from integrations.webhook.ssrf import check_url
from views.page import Page

router = APIRouter(tags=["webhooks"], dependencies=[Depends(requires(Scope.OPERATE))])

URL_LENGTH = 2_048

SubscriptionId = Annotated[Ident, Path(description="The id that the subscription was given")]
Types = Annotated[list[SubscribedType], Field(min_length=1, max_length=len(SUBSCRIBABLE))]


class SubscriptionBody(BaseModel):
    """The subscriber's URL, http or https, and the types of signals, or of the learning platform's events."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://hooks.example.org/progress", "types": ["COURSE_COMPLETED"]}],
        },
    )

    url: Annotated[str, Field(min_length=1, max_length=URL_LENGTH)]
    types: Types


class NewSubscription(BaseModel):
    """A subscription with the secret that signs its webhooks. The secret is shown only once."""

    subscription_id: str
    url: str
    types: list[SubscribedType]
    created_at: datetime
    secret: str


class Ended(BaseModel):
    """The subscription that has ended."""

    subscription_id: str


@router.post(
    "/v1/subscriptions",
    status_code=201,
    summary="Subscribe a URL to signals",
    responses=responses(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=body_of(SubscriptionBody),
)
async def post_subscription(request: Request) -> NewSubscription:
    """POST each new signal of these types to the URL, signed by the Standard Webhooks specification.

    Delivery is at least once, and in order for each learner. A failed one is retried for three days.
    """
    engine: Engine = request.app.state.engine
    body = await read_model(request, SubscriptionBody)
    await check_url(body.url, private=request.app.state.private_webhooks)
    async with engine.database.write_without_course_lock() as connection:
        made = await subscriptions.create(connection, body.url, set(body.types), engine.clock())
    return NewSubscription.model_validate(made._asdict() | {"types": sorted(made.types)})


@router.get("/v1/subscriptions", summary="All subscriptions", responses=responses(401, 403, 422, 503))
async def get_subscriptions(request: Request, paged: Paged) -> Page[SubscriptionItem]:
    """Return the subscriptions, the oldest first, without their secrets."""
    return await query(request, lambda connection: subscription_list.read(connection, *paged))


@router.delete(
    f"/v1/subscriptions/{SUBSCRIPTION_ID}",
    summary="End a subscription",
    responses=responses(401, 403, 404, 422, 503),
)
async def delete_subscription(request: Request, subscription_id: SubscriptionId) -> Ended:
    """End a subscription: nothing more is sent to it, not even pending deliveries."""
    engine: Engine = request.app.state.engine
    async with engine.database.write_without_course_lock() as connection:
        await subscriptions.remove(connection, subscription_id)
    return Ended(subscription_id=subscription_id)
