"""The inbox: GET lists messages of other systems, POST translates parked ones again."""

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
    """The numbers of parked messages that could be translated now, and that still wait."""

    done: int
    parked: int


@router.get("/v1/inbox", summary="Messages of other systems", responses=responses(401, 403, 422, 503))
async def get_inbox(
    request: Request,
    paged: Paged,
    status: InboxStatus | None = None,
    source: Filter = None,
) -> Page[InboxItem]:
    """Return messages by source and id: what became of each, and why parked ones are parked."""
    return await query(request, lambda connection: inbox_list.read(connection, *paged, status, source))


@router.post("/v1/inbox/retry", summary="Retry the parked messages", responses=responses(401, 403, 503))
async def post_retry(request: Request) -> RetriedMessages:
    """Translate all parked messages again. This happens by itself when what they miss may have arrived."""
    inbox: Inbox = request.app.state.inbox
    retried = await inbox.retry_parked()
    return RetriedMessages(**retried._asdict())
