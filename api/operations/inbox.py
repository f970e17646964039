"""The inbox: GET lists messages of other systems, POST tries those that are parked again."""

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from api.auth import requires
from api.lists import Paged, query
from api.openapi import responses
from bootstrap.keys import Scope
from integrations.inbound.inbox import Inbox
from integrations.tables import InboxStatus
from integrations.views import inbox_list
from integrations.views.inbox_list import InboxItem
from views.page import Filter, Page

router = APIRouter(tags=["operations"], dependencies=[Depends(requires(Scope.OPERATE))])


class RetriedMessages(BaseModel):
    """How many parked messages could be translated by now, and how many still wait."""

    done: int
    parked: int


@router.get("/v1/inbox", summary="Messages of other systems", responses=responses(401, 403, 422, 503))
async def get_inbox(
    request: Request,
    paged: Paged,
    status: InboxStatus | None = None,
    source: Filter = None,
) -> Page[InboxItem]:
    """Messages as they were kept, by source and id: what each became, and why those that are parked are."""
    return await query(request, lambda connection: inbox_list.read(connection, *paged, status, source))


@router.post("/v1/inbox/retry", summary="Retry the parked messages", responses=responses(401, 403, 503))
async def post_retry(request: Request) -> RetriedMessages:
    """Tries all of them at once, as is done by itself when what they miss may have arrived."""
    inbox: Inbox = request.app.state.inbox
    retried = await inbox.retry_parked()
    return RetriedMessages(**retried._asdict())
