"""Progress: one learner's courses step by step, and the rows of v_user_progress for everyone else's purposes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from api.auth import needs, reads_learner
from api.events import given
from api.keys import Scope
from api.openapi import responses
from engine.engine import Engine
from eventstore.event_type import Ident
from views import learner_progress, user_progress
from views.learner_progress import LearnerProgress
from views.page import DEFAULT_LIMIT, Cursor, Filter, Limit, Page
from views.user_progress import UserProgress

router = APIRouter(tags=["progress"])


@router.get(
    "/v1/users/{user_id:path}/progress",
    summary="A learner's progress",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(reads_learner)],
)
async def get_learner(request: Request, user_id: Annotated[Ident, Path()]) -> LearnerProgress:
    """The learner's XP and the courses begun. Steps and percent are by the version in force now."""
    engine: Engine = request.app.state.engine
    async with engine.database.read() as connection:
        courses = await engine.context.courses.courses(connection)
        return await learner_progress.read(connection, user_id, courses)


@router.get(
    "/v1/progress",
    summary="Rows of v_user_progress",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(needs(Scope.READ))],
)
async def get_progress(
    request: Request,
    user_id: Filter = None,
    class_id: Filter = None,
    course_id: Filter = None,
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[UserProgress]:
    """One row a learner and class, by learner and class."""
    engine: Engine = request.app.state.engine
    filters = given(user_id=user_id, class_id=class_id, course_id=course_id)
    async with engine.database.read() as connection:
        return await user_progress.read(connection, limit, cursor, **filters)
