"""Swapping in: brings a filled shadow to the very state of the log, and has the live tables say what it says.

It goes by rounds, each shorter than the one before; in the last, which takes in what little is left, nobody appends.
Where little differs, only that is taken over. Else the shadow is put in the place of the live tables.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.catch_up import boundary, take_log, take_version, unknown_versions, versions
from engine.changes import Changes, Compared, changed_days, compare, compare_some, gained_signals, total
from engine.in_place import take_over
from engine.park import keep_attempts, waiting
from engine.project import Context
from engine.publish import all_granted, grant_unfinished
from engine.replay_status import ReplayReport, finish
from engine.sides import Sides, Those, ranges
from eventstore.beside import side_by_side
from eventstore.database import Database
from eventstore.errors import Unavailable
from eventstore.read import last_seq
from eventstore.shadow import ShadowTables
from eventstore.times import Clock
from signals import outbox
from signals.course_store import Courses
from views import VIEWS

SHORT_SEQS = 250
"""So much of the log may be left for the last round; as much again for each time that more was."""

ATTEMPTS = 200
PAUSE_SEC = 0.1
LONGEST_PAUSE_SEC = 5.0
"""Patience for a quarter of an hour, as for a reader who takes a copy of everything."""

BROUGHT_LEARNERS = 200

FEW_LEARNERS = 100
"""The rows of so many can be taken over while nobody appends."""

QUIET_SHARE = 0.25
"""How long others are let in after each step of bringing, in steps, as long as nobody else was seen to write."""


class SwapIn:
    """The last part of a replay, from a shadow that is filled up to the seq `position` by those `courses`."""

    def __init__(
        self, database: Database, tables: ShadowTables, context: Context, clock: Clock, position: int, courses: Courses
    ) -> None:
        self._database = database
        self._shadow, self._filling, self._swapping = tables
        self._context = context
        self._clock = clock
        self._position = position
        self._versions = versions(courses)
        self._sides = Sides(self._shadow.live, self._shadow.here)
        self._events = 0
        self._compared = total([])
        self._few = False
        self._seen = position

    async def run(self, replay_id: str, events: int, *, publish: bool) -> ReplayReport:
        """Catches up and swaps. What the replay of those `events` and of later ones did, as it stands noted."""
        self._events = events
        await self._catch_up()
        await self._shadow.analyze(self._filling.write_apart)
        await self._compare()
        self._few = len(self._compared.user_ids) <= FEW_LEARNERS
        if not self._few:
            await self._settle()
        return await self._swap_patiently(replay_id, publish=publish)

    async def _swap_patiently(self, replay_id: str, *, publish: bool) -> ReplayReport:
        """Tries to swap, with growing pauses in which appenders, and readers of the live tables, go on."""
        reason = "too much was going on"
        for attempt in range(1, ATTEMPTS):
            await self._bring(sorted(await self._catch_up()))
            try:
                report = await self._swap(replay_id, attempt * SHORT_SEQS, publish=publish)
            except Unavailable as error:
                reason = str(error)
            else:
                if report is not None:
                    return report
            await asyncio.sleep(min(attempt * PAUSE_SEC, LONGEST_PAUSE_SEC))
        raise Unavailable(f"expected to swap in what was built within {ATTEMPTS} attempts; the last one: {reason}")

    async def _catch_up(self) -> set[str]:
        """Rounds, until one was short. The learners to whom something happened."""
        touched: set[str] = set()
        while True:
            until = await boundary(self._database)
            left = until - self._position
            touched |= await self._take_events(until) | await self._take_versions()
            if left <= SHORT_SEQS:
                return touched

    async def _take_events(self, until: int) -> set[str]:
        touched: set[str] = set()
        while self._position < until:
            async with self._filling.write_apart() as connection:
                taken = await take_log(connection, self._position, until, self._context, self._clock())
            self._position = taken.reached
            self._events += taken.events
            touched |= taken.user_ids
        return touched

    async def _take_versions(self) -> set[str]:
        touched: set[str] = set()
        async with self._filling.read() as connection:
            courses = await self._context.courses.courses(connection)
        unknown = list(unknown_versions(courses, self._versions))
        if unknown:
            async with self._filling.write_apart() as connection:
                await self._shadow.index(connection)
        for version in unknown:
            touched |= await take_version(self._filling, version, self._context, self._clock())
        self._versions = versions(courses)
        return touched

    async def _compare(self) -> None:
        """Counts what changes for all but those who are late: of whom the log has more than the shadow."""
        while True:
            async with self._filling.read() as connection:
                learners = [those async for those in ranges(connection, self._sides)]
            compared = await side_by_side(self._compare_those, learners)
            counted = [part for part in compared if part is not None]
            if len(counted) == len(learners):
                self._compared = total(counted)
                return
            await grant_unfinished(self._database, self._context._replace(announces=True), self._clock)
            await self._catch_up()

    async def _compare_those(self, those: Those) -> Compared | None:
        """The same for some learners, as of one moment. None if the shadow lacks a version, or a grant is due."""
        async with self._filling.read() as connection:
            if await self._knows_all_versions(connection) and await all_granted(connection):
                return await compare(connection, self._sides, those, self._position)
        return None

    async def _knows_all_versions(self, connection: AsyncConnection) -> bool:
        return not any(unknown_versions(await self._context.courses.courses(connection), self._versions))

    async def _settle(self) -> None:
        await self._shadow.settle(self._aside if self._shadow.apart else self._filling.write_apart)

    async def _bring(self, user_ids: Sequence[str]) -> None:
        if self._shadow.apart and not self._few:
            for some in range(0, len(user_ids), BROUGHT_LEARNERS):
                async with self._aside() as connection:
                    await self._shadow.bring_learners(connection, user_ids[some : some + BROUGHT_LEARNERS])

    @asynccontextmanager
    async def _aside(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that others wait for, and a pause in which they go first: as long, once somebody appended."""
        began = time.monotonic()
        async with self._swapping.write_apart() as connection:
            yield connection
            seen = await last_seq(connection)
        share = 1.0 if seen > self._seen else QUIET_SHARE
        self._seen = seen
        await asyncio.sleep(share * (time.monotonic() - began))

    async def _swap(self, replay_id: str, most: int, *, publish: bool) -> ReplayReport | None:
        """The last round, and the swap. None if more of the log is left than `most`, or a version."""
        async with self._swapping.write_alone() as connection:
            until = await last_seq(connection)
            if until - self._position > most or not await self._knows_all_versions(connection):
                return None
            if not self._shadow.apart:
                # Committed before the swap is: a snapshot from before it finds all that was acknowledged by then.
                await self._take_events(until)
            taken = await take_log(connection, self._position, until, self._context, self._clock())
            await keep_attempts(connection, *self._sides)
            late = await compare_some(connection, self._sides, self._compared.late)
            report = await self._report(connection, taken.events, self._compared.changes.plus(late.changes))
            if publish:
                gained = await gained_signals(connection, self._sides)
                await outbox.announce(connection, gained, self._clock())
            if self._few:
                await take_over(connection, self._sides, self._compared.user_ids | late.user_ids)
            else:
                await self._put_in_place(connection, taken.user_ids)
            await finish(connection, replay_id, report, self._clock())
        return report

    async def _put_in_place(self, connection: AsyncConnection, touched: Collection[str]) -> None:
        await self._shadow.bring_learners(connection, sorted(touched))
        await self._shadow.bring_rest(connection)
        await self._shadow.swap(connection, {name: view(connection.dialect) for name, view in VIEWS.items()})

    async def _report(self, connection: AsyncConnection, events: int, changed: Changes) -> ReplayReport:
        total = changed.plus(await changed_days(connection, self._sides))
        parked, oldest = await waiting(connection)
        return ReplayReport(self._events + events, parked, *total, oldest)
