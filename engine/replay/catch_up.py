"""Catching up: what happened since a shadow was filled to some point is brought into it as live processing does it.

It goes by rounds, each shorter than the one before, and events by seq. One sequence counts them all, and a boundary is
read while nobody appends: so what comes later has a larger number, and nothing between is still to be committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.publish import backfill_learners
from engine.projecting.bisect import bisect_failures
from engine.projecting.project import Context
from engine.projecting.record import park_events, project_events
from engine.replay.shadow_tables import ShadowTables
from eventstore.db.database import Database
from eventstore.event import Event
from eventstore.read import last_seq, read_range
from eventstore.times import Clock
from signals.course import CourseVersion
from signals.course_catalog import CourseCatalog

CHUNK_EVENTS = 1_000

SHORT_SEQS = 250
"""A round over so much of the log is a short one."""

Versions = Mapping[str, int]
"""How many versions of each course are accounted for."""


async def high_water_mark(database: Database) -> int:
    """The seq of the last event; all up to it are committed."""
    async with database.write_exclusive() as connection:
        return await last_seq(connection)


class CatchUp:
    """How far a shadow is: at the seq `position`, after so many `events` beyond those that it was filled with."""

    def __init__(
        self,
        database: Database,
        tables: ShadowTables,
        context: Context,
        clock: Clock,
        position: int,
        courses: CourseCatalog,
    ) -> None:
        self.position, self.events = position, 0
        self._shadow, self._filling = tables.shadow, tables.building
        self._database, self._context, self._clock = database, context, clock
        self._versions = versions(courses)

    async def run(self) -> set[str]:
        """Rounds, until one was short. The learners to whom something happened."""
        touched: set[str] = set()
        near = False
        while not near:
            until = await high_water_mark(self._database)
            near = self.is_nearly_caught_up(until)
            touched |= await self._apply_events(until) | await self._apply_versions()
        return touched

    def is_nearly_caught_up(self, until: int, times: int = 1) -> bool:
        """Whether what is left of the log makes a short round, or one that is so many `times` as long."""
        return until - self.position <= times * SHORT_SEQS

    async def knows_all_versions(self, connection: AsyncConnection) -> bool:
        return not any(unknown_versions(await self._context.courses.courses(connection), self._versions))

    async def apply_rest(self, connection: AsyncConnection, until: int) -> "CatchUpChunk":
        """Takes in what is left, in the transaction that swaps. The position stays: it may be rolled back."""
        if not self._shadow.needs_copy:
            # Committed before the swap is: a snapshot from before it finds all that was acknowledged by then.
            await self._apply_events(until)
        taken = CatchUpChunk(self.position, 0, set())
        while taken.reached < until:
            taken = taken.plus(await apply_events(connection, taken.reached, until, self._context, self._clock()))
        return taken

    async def _apply_events(self, until: int) -> set[str]:
        touched: set[str] = set()
        while self.position < until:
            async with self._filling.write_without_course_lock() as connection:
                taken = await apply_events(connection, self.position, until, self._context, self._clock())
            self.position = taken.reached
            self.events += taken.events
            touched |= taken.user_ids
        return touched

    async def _apply_versions(self) -> set[str]:
        touched: set[str] = set()
        async with self._filling.read() as connection:
            courses = await self._context.courses.courses(connection)
        unknown = list(unknown_versions(courses, self._versions))
        if unknown:
            async with self._filling.write_without_course_lock() as connection:
                await self._shadow.index(connection)
        for version in unknown:
            touched |= await apply_course_version(self._filling, version, self._context, self._clock())
        self._versions = versions(courses)
        return touched


class CatchUpChunk(NamedTuple):
    """The log was taken in up to the seq `reached`: so many events, of those learners."""

    reached: int
    events: int
    user_ids: set[str]

    def plus(self, more: "CatchUpChunk") -> "CatchUpChunk":
        return CatchUpChunk(more.reached, self.events + more.events, self.user_ids | more.user_ids)


async def apply_events(
    connection: AsyncConnection, after: int, until: int, context: Context, now: datetime
) -> CatchUpChunk:
    """Takes in the next chunk of (`after`, `until`]."""
    numbered = await read_range(connection, after, until, CHUNK_EVENTS)

    async def some(events: Sequence[Event]) -> None:
        await project_events(connection, events, context, now)

    async def refused(event: Event, error: DBAPIError) -> None:
        await park_events(connection, [event], error, context, now)

    if numbered:
        await bisect_failures(connection, [event for _, event in numbered], some, refused)
    reached = numbered[-1][0] if len(numbered) == CHUNK_EVENTS else until
    return CatchUpChunk(reached, len(numbered), {event.user_id for _, event in numbered})


def versions(courses: CourseCatalog) -> dict[str, int]:
    """How many versions each course has."""
    return {course_id: len(history) for course_id, history in courses.histories.items()}


def unknown_versions(courses: CourseCatalog, known: Versions) -> Iterator[CourseVersion]:
    """The versions beyond those that are known."""
    for course_id, history in courses.histories.items():
        yield from history[known.get(course_id, 0) :]


async def apply_course_version(shadow: Database, version: CourseVersion, context: Context, now: datetime) -> set[str]:
    """Grants a version in the shadow to all who were there before it. Who they are."""
    touched: set[str] = set()
    last: str | None = ""
    while last is not None:
        async with shadow.write_without_course_lock() as connection:
            user_ids = await backfill_learners(connection, version, last, context, now)
        touched.update(user_ids)
        last = user_ids[-1] if user_ids else None
    return touched
