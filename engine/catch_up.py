"""Catching up: what happened since a shadow was filled to some point is brought into it as live processing does it.

Events go by seq. One sequence counts them all, and a boundary is read while nobody appends: so what comes later has
a larger number, and nothing between is still to be committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.narrow import narrow
from engine.project import Context
from engine.publish import grant_next
from engine.record import set_aside, take_in
from eventstore.database import Database
from eventstore.event import Event
from eventstore.read import last_seq, read_range
from signals.course import CourseVersion
from signals.course_store import Courses

CHUNK_EVENTS = 1_000

Versions = Mapping[str, int]
"""How many versions of each course are accounted for."""


async def boundary(database: Database) -> int:
    """The seq of the last event; all up to it are committed."""
    async with database.write_alone() as connection:
        return await last_seq(connection)


class Taken(NamedTuple):
    """The log was taken in up to the seq `reached`: so many events, of those learners."""

    reached: int
    events: int
    user_ids: set[str]


async def take_log(connection: AsyncConnection, after: int, until: int, context: Context, now: datetime) -> Taken:
    """Takes in the next chunk of (`after`, `until`]."""
    numbered = await read_range(connection, after, until, CHUNK_EVENTS)

    async def some(events: Sequence[Event]) -> None:
        await take_in(connection, events, context, now)

    async def refused(event: Event, error: DBAPIError) -> None:
        await set_aside(connection, [event], error, context, now)

    if numbered:
        await narrow(connection, [event for _, event in numbered], some, refused)
    reached = numbered[-1][0] if len(numbered) == CHUNK_EVENTS else until
    return Taken(reached, len(numbered), {event.user_id for _, event in numbered})


def versions(courses: Courses) -> dict[str, int]:
    """How many versions each course has."""
    return {course_id: len(history) for course_id, history in courses.histories.items()}


def unknown_versions(courses: Courses, known: Versions) -> Iterator[CourseVersion]:
    """The versions beyond those that are known."""
    for course_id, history in courses.histories.items():
        yield from history[known.get(course_id, 0) :]


async def take_version(shadow: Database, version: CourseVersion, context: Context, now: datetime) -> set[str]:
    """Grants a version in the shadow to all who were there before it. Who they are."""
    touched: set[str] = set()
    last: str | None = ""
    while last is not None:
        async with shadow.write_apart() as connection:
            user_ids = await grant_next(connection, version, last, context, now)
        touched.update(user_ids)
        last = user_ids[-1] if user_ids else None
    return touched
