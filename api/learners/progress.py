"""Progress: one learner's courses step by step, and the rows of v_user_progress."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from api.auth import requires, requires_learner_access
from api.lists import Paged, drop_none, query
from api.openapi import responses
from api.paths import USER_ID
from bootstrap.keys import Scope
from engine.engine import Engine
from eventstore.event_type import Ident
from views import learner_progress, user_progress
from views.learner_progress import LearnerProgress
from views.page import Filter, Page
from views.user_progress import UserProgress

router = APIRouter(tags=["progress"])


@router.get(
    f"/v1/users/{USER_ID}/progress",
    summary="A learner's progress",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(requires_learner_access)],
)
async def get_learner(request: Request, user_id: Annotated[Ident, Path()]) -> LearnerProgress:
    """Return the learner's XP, and the courses begun or enrolled in. Steps and percent are by the version in force."""
    engine: Engine = request.app.state.engine

    async def work(connection: AsyncConnection) -> LearnerProgress:
        courses = await engine.context.courses.courses(connection)
        return await learner_progress.read(connection, user_id, courses)

    return await query(request, work)


@router.get(
    "/v1/progress",
    summary="Rows of v_user_progress",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(requires(Scope.READ))],
)
async def get_progress(
    request: Request,
    paged: Paged,
    user_id: Filter = None,
    class_id: Filter = None,
    course_id: Filter = None,
) -> Page[UserProgress]:
    """Return one row for each learner and class, by learner and class."""
    filters = drop_none(user_id=user_id, class_id=class_id, course_id=course_id)
    return await query(request, lambda connection: user_progress.read(connection, paged.limit, paged.cursor, **filters))
