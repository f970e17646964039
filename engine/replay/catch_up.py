"""Catching up: apply to a shadow the events and course versions that came after its high-water mark.

It runs in rounds, each shorter than the one before. The high-water mark of a round is read while nobody appends, so
that later events have larger numbers, and no event below the mark is still to be committed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.backfill import backfill_learners
from engine.projecting.bisect import bisect_failures
from engine.projecting.context import Context
from engine.projecting.record import park_events, project_events
from engine.replay.shadow_tables import ShadowTables
from eventstore.db.database import Database
from eventstore.event import Event
from eventstore.read import last_seq, read_range
from eventstore.times import Clock
from signals.course import CourseVersion
from signals.course_catalog import CourseCatalog

Versions = Mapping[str, int]
"""The number of versions of each course that the shadow has."""


async def high_water_mark(database: Database) -> int:
    """Return the seq of the last event, read while no appender is active: all events up to it are committed."""
    async with database.write_exclusive() as connection:
        return await last_seq(connection)


class CatchUp:
    """How far a shadow is: at the seq `position`, after `events` more than it was filled with."""

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
        self._shadow, self._building = tables.shadow, tables.building
        self._database, self._context, self._clock = database, context, clock
        self._versions = versions(courses)

    async def run(self) -> set[str]:
        """Run rounds until one was short. Return the learners whose events or courses were applied."""
        touched: set[str] = set()
        near = False
        while not near:
            until = await high_water_mark(self._database)
            near = self.is_nearly_caught_up(until)
            touched |= await self._apply_events(until) | await self._apply_versions()
        return touched

    def is_nearly_caught_up(self, until: int, times: int = 1) -> bool:
        """Return whether the rest of the log makes a short round, or one that is at most `times` as long."""
        return until - self.position <= times * self._context.limits.short_round_seqs

    async def knows_all_versions(self, connection: AsyncConnection) -> bool:
        return not any(unknown_versions(await self._context.courses.courses(connection), self._versions))

    async def apply_rest(self, connection: AsyncConnection, until: int) -> "CatchUpChunk":
        """Apply the rest of the log in the transaction that swaps. The position stays, as that may be rolled back."""
        if not self._shadow.needs_copy:
            # This is committed before the swap, so a snapshot from before it has all events acknowledged by then.
            await self._apply_events(until)
        applied = CatchUpChunk(self.position, 0, set())
        while applied.reached < until:
            applied = applied.plus(await apply_events(connection, applied.reached, until, self._context, self._clock()))
        return applied

    async def _apply_events(self, until: int) -> set[str]:
        touched: set[str] = set()
        while self.position < until:
            async with self._building.write_without_course_lock() as connection:
                applied = await apply_events(connection, self.position, until, self._context, self._clock())
            self.position = applied.reached
            self.events += applied.events
            touched |= applied.user_ids
        return touched

    async def _apply_versions(self) -> set[str]:
        touched: set[str] = set()
        async with self._building.read() as connection:
            courses = await self._context.courses.courses(connection)
        unknown = list(unknown_versions(courses, self._versions))
        if unknown:
            async with self._building.write_without_course_lock() as connection:
                await self._shadow.index(connection)
        for version in unknown:
            touched |= await apply_course_version(self._building, version, self._context, self._clock())
        self._versions = versions(courses)
        return touched


class CatchUpChunk(NamedTuple):
    """The log was applied up to the seq `reached`: this number of events, of these learners."""

    reached: int
    events: int
    user_ids: set[str]

    def plus(self, more: "CatchUpChunk") -> "CatchUpChunk":
        return CatchUpChunk(more.reached, self.events + more.events, self.user_ids | more.user_ids)


async def apply_events(
    connection: AsyncConnection, after: int, until: int, context: Context, now: datetime
) -> CatchUpChunk:
    """Apply the next chunk of the events in (`after`, `until`]."""
    numbered = await read_range(connection, after, until, context.limits.catch_up_events)

    async def some(events: Sequence[Event]) -> None:
        await project_events(connection, events, context, now)

    async def refused(event: Event, error: DBAPIError) -> None:
        await park_events(connection, [event], error, context, now)

    if numbered:
        await bisect_failures(connection, [event for _, event in numbered], some, refused)
    reached = numbered[-1][0] if len(numbered) == context.limits.catch_up_events else until
    return CatchUpChunk(reached, len(numbered), {event.user_id for _, event in numbered})


def versions(courses: CourseCatalog) -> dict[str, int]:
    """Return the number of versions of each course."""
    return {course_id: len(history) for course_id, history in courses.histories.items()}


def unknown_versions(courses: CourseCatalog, known: Versions) -> Iterator[CourseVersion]:
    """Return the versions that the shadow does not have."""
    for course_id, history in courses.histories.items():
        yield from history[known.get(course_id, 0) :]


async def apply_course_version(shadow: Database, version: CourseVersion, context: Context, now: datetime) -> set[str]:
    """Backfill a version in the shadow. Return the learners concerned."""
    touched: set[str] = set()
    last: str | None = ""
    while last is not None:
        async with shadow.write_without_course_lock() as connection:
            user_ids = await backfill_learners(connection, version, last, context, now)
        touched.update(user_ids)
        last = user_ids[-1] if user_ids else None
    return touched
