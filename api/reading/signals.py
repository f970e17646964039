"""GET /v1/signals: what learners completed and passed, the latest first."""

from fastapi import APIRouter, Depends, Request

from api.auth import requires
from api.lists import Paged, drop_none, query
from api.openapi import responses
from bootstrap.keys import Scope
from signals.signal import SignalType
from views import signal_list
from views.page import Filter, Page
from views.signal_list import SignalItem

router = APIRouter(tags=["signals"])


@router.get(
    "/v1/signals",
    summary="Signals",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(requires(Scope.READ))],
)
async def get_signals(
    request: Request,
    paged: Paged,
    user_id: Filter = None,
    type: SignalType | None = None,  # noqa: A002 - the contract's name
    class_id: Filter = None,
    course_id: Filter = None,
) -> Page[SignalItem]:
    """Return signals, the latest first."""
    filters = drop_none(user_id=user_id, type=type, class_id=class_id, course_id=course_id)
    return await query(request, lambda connection: signal_list.read(connection, paged.limit, paged.cursor, **filters))
