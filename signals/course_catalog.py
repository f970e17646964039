"""The course history in the database: `lms_course_version`, to which publishing appends.

`CourseCache` holds what was read, and reads again only after a publication.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.tables import lms_event
from signals.course import CourseHistory, CourseVersion, Step, current_version
from signals.tables import lms_course_version

_v = lms_course_version.c
_steps = TypeAdapter(tuple[Step, ...])
_INSTANT = timedelta(microseconds=1)

COUNT = select(func.count()).select_from(lms_course_version)
"""The number of versions. As none is ever removed, it tells whether there are new ones."""

SELECT_ALL = select(_v.course_id, _v.version, _v.title, _v.steps, _v.published_at).order_by(_v.course_id, _v.version)
"""The whole course history."""

LAST_OCCURRED_AT = select(lms_event.c.occurred_at).order_by(lms_event.c.occurred_at.desc()).limit(1)
"""The time of the event that occurred last."""


class CourseCatalog:
    """All courses with their histories, in one snapshot."""

    def __init__(self, histories: Iterable[CourseHistory] = ()) -> None:
        self.histories = {history[0].course_id: history for history in histories}
        self.versions = sum(map(len, self.histories.values()))
        self._by_class: dict[str, list[CourseHistory]] = {}
        self._display_courses: dict[str, str] = {}
        for course_id in sorted(self.histories):
            self._index(self.histories[course_id])

    def _index(self, history: CourseHistory) -> None:
        for class_id in frozenset[str]().union(*(version.class_ids for version in history)):
            self._by_class.setdefault(class_id, []).append(history)
        for class_id in current_version(history).class_ids:
            self._display_courses.setdefault(class_id, history[0].course_id)

    def with_class(self, class_id: str) -> list[CourseHistory]:
        """Return the courses that contain the class in some version."""
        return self._by_class.get(class_id, [])

    def with_classes(self, class_ids: Iterable[str]) -> Iterable[CourseHistory]:
        """Return the courses that contain one of the classes in some version, each once."""
        return {h[0].course_id: h for class_id in class_ids for h in self.with_class(class_id)}.values()

    def display_course(self, class_id: str) -> str | None:
        """Return the course that a class is shown under if its events name none: the smallest that contains it now."""
        return self._display_courses.get(class_id)


class CourseCache:
    """A cache of the catalog, which is read again when it is out of date."""

    def __init__(self) -> None:
        self._courses = CourseCatalog()

    async def courses(self, connection: AsyncConnection) -> CourseCatalog:
        """Return the catalog as this transaction sees it."""
        versions = (await connection.execute(COUNT)).scalar_one()
        if versions != self._courses.versions:
            self._courses = await load(connection)
        return self._courses


async def load(connection: AsyncConnection) -> CourseCatalog:
    """Read all courses."""
    rows = await connection.execute(SELECT_ALL)
    versions = [
        CourseVersion(course_id, version, title, _steps.validate_json(steps), published_at)
        for course_id, version, title, steps, published_at in rows
    ]
    return CourseCatalog(tuple(group) for _, group in groupby(versions, key=lambda version: version.course_id))


async def append_version(
    connection: AsyncConnection, course_id: str, title: str, steps: tuple[Step, ...], now: datetime
) -> CourseVersion | None:
    """Append a version that is in force from `now`. Return None if it equals the last one.

    The caller holds the course lock exclusively. If the clock was set back, the version still comes after all known
    events, so that it takes nothing away.
    """
    history = (await load(connection)).histories.get(course_id)
    if history is not None and (current_version(history).title, current_version(history).steps) == (title, steps):
        return None
    last_occurred = (await connection.execute(LAST_OCCURRED_AT)).scalar_one_or_none()
    earlier = [last_occurred] if last_occurred else []
    earlier += [current_version(history).published_at] if history else []
    version = CourseVersion(
        course_id=course_id,
        version=len(history or ()) + 1,
        title=title,
        steps=steps,
        published_at=max([now, *(instant + _INSTANT for instant in earlier)]),
    )
    await connection.execute(insert(lms_course_version), version._asdict() | {"steps": _steps_text(version.steps)})
    return version


def _steps_text(steps: tuple[Step, ...]) -> str:
    """Return the steps as JSON that an operator can read in the table: objects with only the fields that are set."""
    present = [{name: value for name, value in step._asdict().items() if value is not None} for step in steps]
    return to_json(present).decode()
