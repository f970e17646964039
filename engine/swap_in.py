"""Swapping in: brings a filled shadow to the very state of the log, and has the live tables say what it says.

What little is left of the log is taken in while nobody appends. Where little differs, only that is taken over. Else
the shadow is put in the place of the live tables.
"""

import asyncio
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.bringing import Bringing
from engine.catch_up import CatchingUp
from engine.changes import Changes, changed_days, compare_some, gained_signals, total
from engine.comparing import Comparing
from engine.in_place import take_over
from engine.park import keep_attempts, waiting
from engine.probing import are_few
from engine.project import Context
from engine.publish import all_granted, grant_unfinished
from engine.replay_status import ReplayReport, finish
from engine.sides import Sides
from eventstore.database import Database
from eventstore.errors import Unavailable
from eventstore.read import last_seq
from eventstore.shadow import ShadowTables
from eventstore.times import Clock
from signals import outbox
from signals.course_store import Courses
from views import VIEWS

ATTEMPTS = 200
"""Each may leave one more short round's worth of the log for the last one."""

PAUSE_SEC = 0.1
LONGEST_PAUSE_SEC = 5.0
"""Patience for a quarter of an hour, as for a reader who takes a copy of everything."""


class SwapIn:
    """The last part of a replay, from a shadow that is filled up to the seq `position` by those `courses`."""

    def __init__(
        self,
        database: Database,
        tables: ShadowTables,
        bringing: Bringing,
        context: Context,
        clock: Clock,
        position: int,
        courses: Courses,
    ) -> None:
        self._database = database
        self._shadow, self._filling, self._swapping = tables.shadow, tables.filling, tables.swapping
        self._context = context
        self._clock = clock
        self._catching_up = CatchingUp(database, tables, context, clock, position, courses)
        self._bringing = bringing
        self._comparing = Comparing(database, tables, bringing, self._catching_up, context, clock)
        self._sides = Sides(self._shadow.live, self._shadow.here)
        self._compared = total([])
        self._few = False

    async def run(self, replay_id: str, events: int, *, publish: bool) -> ReplayReport:
        """Catches up and swaps. What the replay of those `events` and of later ones did, as it stands noted."""
        touched = await self._catching_up.run()
        await self._shadow.analyze(self._filling.write_apart)
        self._compared, differing, meanwhile = await self._comparing.run()
        self._few = are_few(differing)
        if not self._few:
            await self._bringing.bring_all()
            await self._bringing.bring_again(touched | meanwhile)
        return await self._swap_patiently(replay_id, events, publish=publish)

    async def _swap_patiently(self, replay_id: str, events: int, *, publish: bool) -> ReplayReport:
        """Tries to swap, with growing pauses in which appenders, and readers of the live tables, go on."""
        reason = "too much was going on"
        for attempt in range(1, ATTEMPTS):
            await grant_unfinished(self._database, self._context._replace(announces=True), self._clock)
            touched = await self._catching_up.run()
            if not self._few:
                await self._bringing.bring_again(touched)
            try:
                report = await self._swap(replay_id, events, attempt, publish=publish)
            except Unavailable as error:
                reason = str(error)
            else:
                if report is not None:
                    return report
            await asyncio.sleep(min(attempt * PAUSE_SEC, LONGEST_PAUSE_SEC))
        raise Unavailable(f"expected to swap in what was built within {ATTEMPTS} attempts; the last one: {reason}")

    async def _swap(self, replay_id: str, events: int, attempt: int, *, publish: bool) -> ReplayReport | None:
        """The last round, and the swap. None if more of the log is left than this attempt may take, or a version.

        Nor while a grant is due: what the shadow has of it already would never be announced.
        """
        async with self._swapping.write_alone() as connection:
            until = await last_seq(connection)
            is_near = self._catching_up.is_near(until, attempt)
            is_known = await self._catching_up.knows_all_versions(connection) and await all_granted(connection)
            if not is_near or not is_known:
                return None
            taken = await self._catching_up.take_rest(connection, until)
            await keep_attempts(connection, *self._sides)
            late = await compare_some(connection, self._sides, self._compared.late)
            changed = self._compared.changes.plus(late.changes)
            report = await self._report(connection, events + self._catching_up.events + taken.events, changed)
            if publish:
                gained = await gained_signals(connection, self._sides)
                await outbox.announce(connection, gained, self._clock())
            if self._few:
                await take_over(connection, self._sides, self._compared.user_ids | late.user_ids)
            else:
                await self._put_in_place(connection, taken.user_ids)
            await finish(connection, replay_id, report, self._clock())
        return report

    async def _report(self, connection: AsyncConnection, events: int, changed: Changes) -> ReplayReport:
        total = changed.plus(await changed_days(connection, self._sides))
        parked, oldest = await waiting(connection)
        return ReplayReport(events, parked, *total, oldest)

    async def _put_in_place(self, connection: AsyncConnection, touched: Collection[str]) -> None:
        await self._shadow.bring_learners(connection, sorted(touched))
        await self._shadow.bring_rest(connection)
        await self._shadow.swap(connection, {name: view(connection.dialect) for name, view in VIEWS.items()})
