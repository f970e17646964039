"""GET /v1/signals: what learners completed and passed, the latest first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.auth import needs
from api.events import given
from api.keys import Scope
from api.openapi import responses
from engine.engine import Engine
from signals.signal import SignalType
from views import signal_list
from views.page import DEFAULT_LIMIT, Cursor, Filter, Limit, Page
from views.signal_list import SignalItem

router = APIRouter(tags=["signals"])


@router.get(
    "/v1/signals",
    summary="Signals",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(needs(Scope.READ))],
)
async def get_signals(
    request: Request,
    user_id: Filter = None,
    type: SignalType | None = None,  # noqa: A002 - the contract's name
    class_id: Filter = None,
    course_id: Filter = None,
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[SignalItem]:
    """Signals, the latest to occur first."""
    engine: Engine = request.app.state.engine
    filters = given(user_id=user_id, type=type, class_id=class_id, course_id=course_id)
    async with engine.database.read() as connection:
        return await signal_list.read(connection, limit, cursor, **filters)
