"""Publishing a course: append a version. The backfill for learners who were there before follows."""

from sqlalchemy import insert

from engine.tables import lms_grant
from eventstore.db.database import Database
from eventstore.times import Clock
from signals.course import CourseVersion, Step
from signals.course_catalog import append_version


async def publish(
    database: Database, course_id: str, title: str, steps: tuple[Step, ...], clock: Clock
) -> CourseVersion | None:
    """Append a version that is in force from now on, and queue its backfill. Return None if nothing changed."""
    async with database.write_exclusive() as connection:
        version = await append_version(connection, course_id, title, steps, clock())
        if version is not None:
            backfill = {"course_id": course_id, "version": version.version, "after_user_id": ""}
            await connection.execute(insert(lms_grant), backfill)
    return version
