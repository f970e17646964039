"""Courses: PUT publishes a version, GET returns the one in force."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict

from api.auth import requires
from api.events.body import read_model
from api.lists import Paged
from api.openapi import body_of, responses
from api.paths import COURSE_ID
from bootstrap.keys import Scope
from engine.engine import Engine
from eventstore.errors import NotFoundError
from eventstore.event_type import Ident
from signals.course import CourseVersion, current_version
from signals.course_catalog import CourseCatalog
from signals.course_input import CourseBody
from views.page import KeyText, Page, decode, page

router = APIRouter(tags=["courses"])

CourseId = Annotated[Ident, Path(description="The course's id, as your platform knows it")]


class StepItem(BaseModel):
    """A step with the fields that were published."""

    model_config = ConfigDict(from_attributes=True)

    class_id: str
    title: str
    video_id: str | None
    quiz_id: str | None
    max_score: float | None
    pass_score: float | None
    score_label: str | None


class CourseItem(BaseModel):
    """The version of a course that is in force, and since when (UTC)."""

    model_config = ConfigDict(from_attributes=True)

    course_id: str
    version: int
    title: str
    steps: list[StepItem]
    published_at: datetime


@router.put(
    f"/v1/courses/{COURSE_ID}",
    summary="Publish a course",
    responses=responses(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=body_of(CourseBody),
    dependencies=[Depends(requires(Scope.PUBLISH))],
)
async def put_course(request: Request, course_id: CourseId) -> CourseItem:
    """Publish a version, in force from now on. A course that does not change is not published again.

    A version takes no completed step or course away, and may grant some.
    """
    engine: Engine = request.app.state.engine
    body = await read_model(request, CourseBody)
    await engine.publish(course_id, body.title, body.to_steps())
    return item(current_version((await read_courses(engine)).histories[course_id]))


@router.get(
    f"/v1/courses/{COURSE_ID}",
    summary="A course",
    responses=responses(401, 403, 404, 422, 503),
    dependencies=[Depends(requires(Scope.READ))],
)
async def get_course(request: Request, course_id: CourseId) -> CourseItem:
    """Return the version that is in force."""
    history = (await read_courses(request.app.state.engine)).histories.get(course_id)
    if history is None:
        raise NotFoundError(f"there is no published course with the id {course_id!r}")
    return item(current_version(history))


@router.get(
    "/v1/courses",
    summary="All courses",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(requires(Scope.READ))],
)
async def get_courses(
    request: Request,
    paged: Paged,
) -> Page[CourseItem]:
    """Return the versions in force, by course_id."""
    last = decode(paged.cursor, KeyText)[0] if paged.cursor is not None else ""
    histories = (await read_courses(request.app.state.engine)).histories
    versions = [current_version(histories[course_id]) for course_id in sorted(histories) if course_id > last]
    return page(versions, paged.limit, item, lambda version: (version.course_id,))


async def read_courses(engine: Engine) -> CourseCatalog:
    async with engine.database.read() as connection:
        return await engine.context.courses.courses(connection)


def item(version: CourseVersion) -> CourseItem:
    return CourseItem.model_validate(version)
