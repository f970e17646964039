"""`lms-progress course`: publishes courses from files, and lists them."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ConfigDict, ValidationError

from bootstrap.composition import open_database
from bootstrap.settings import Settings, load
from cli.console import echo, show
from cli.data.lines import STDIN
from cli.engine_session import ready_engine
from eventstore.envelope import parse
from eventstore.errors import InvalidInputError, field_errors
from eventstore.event_type import Ident
from eventstore.times import to_text
from signals import course_catalog
from signals.course import CourseVersion, current_version
from signals.course_input import CourseBody

course_app = typer.Typer(help="Publish courses, and list them.", no_args_is_help=True)


class CourseFile(CourseBody):
    """A course file: the body of the API, and the course_id."""

    model_config = ConfigDict(title="Course")

    course_id: Ident


@course_app.command("publish")
def publish_command(
    file: Annotated[str, typer.Argument(help="The course, as JSON; - is stdin.")],
) -> None:
    """Publish a course: what learners do counts towards it from then on, and what they did before.

    An existing course gets a new version, which takes no completion away. Publishing the same course again changes
    nothing. Each step needs a video_id, a quiz_id or both:

    \b
    {"course_id": "python-101",
     "title": "Python for beginners",
     "steps": [{"class_id": "intro", "title": "What a program is", "video_id": "intro-video"},
               {"class_id": "loops", "title": "Loops", "quiz_id": "loops-quiz"}]}
    """
    course = read_course(file)
    echo(asyncio.run(publish(load(), course)))


def read_course(file: str) -> CourseFile:
    """Read a course file. Raise MalformedBodyError or InvalidInputError with everything that is wrong."""
    body = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    try:
        return CourseFile.model_validate(parse(body, where=file))
    except ValidationError as error:
        raise InvalidInputError(field_errors(error)) from error


async def publish(settings: Settings, course: CourseFile) -> str:
    """Publish a course, wait for its backfill, and return what was done."""
    async with ready_engine(settings) as engine:
        new = await engine.publish(course.course_id, course.title, course.to_steps())
        await engine.run_pending_work()
        if new is not None:
            return f"{course.course_id}: published version {new.version}, {described(new)}."
        async with engine.database.read() as connection:
            courses = await engine.context.courses.courses(connection)
        known = current_version(courses.histories[course.course_id])
        return f"{course.course_id}: nothing changed, version {known.version} stays, {described(known)}."


def described(version: CourseVersion) -> str:
    return f"{len(version.steps)} steps, in force since {to_text(version.published_at)}"


@course_app.command("list")
def list_command() -> None:
    """List the courses, each with the version that is in force."""
    versions = asyncio.run(read_courses(load()))
    rows: list[tuple[object, ...]] = [
        (version.course_id, version.version, len(version.steps), to_text(version.published_at), version.title)
        for version in versions
    ]
    if rows:
        show("Course", "Version", "Steps", "In force since", "Title", rows=rows, numbers=("Version", "Steps"))
    else:
        echo("There are no courses yet: `lms-progress course publish FILE` publishes one.")


async def read_courses(settings: Settings) -> list[CourseVersion]:
    """Return the version in force of each course, by id."""
    async with open_database(settings) as database, database.read() as connection:
        courses = await course_catalog.load(connection)
        return [current_version(history) for history in courses.histories.values()]
