"""Swapping in: brings a filled shadow to the very state of the log, and has the live tables say what it says.

What little is left of the log is taken in while nobody appends. Where little differs, only that is taken over. Else
the shadow is put in the place of the live tables.
"""

import asyncio
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.publish import is_backfill_complete, run_pending_backfills
from engine.parking.park import copy_retry_history, count_parked
from engine.projecting.project import Context
from engine.replay.apply_in_place import apply_in_place
from engine.replay.catch_up import CatchUp
from engine.replay.compare import Comparing
from engine.replay.diff import DiffCounts, changed_days, compare_learners, new_signals, total
from engine.replay.diff_queries import SchemaPair
from engine.replay.sampling import fits_in_place
from engine.replay.shadow_copy import ShadowCopy
from engine.replay.shadow_tables import ShadowTables
from engine.replay.store import ReplayReport, finish
from eventstore.db.database import Database
from eventstore.errors import UnavailableError
from eventstore.read import last_seq
from eventstore.times import Clock
from signals import outbox
from signals.course_catalog import CourseCatalog
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
        bringing: ShadowCopy,
        context: Context,
        clock: Clock,
        position: int,
        courses: CourseCatalog,
    ) -> None:
        self._database = database
        self._shadow, self._filling, self._swapping = tables.shadow, tables.building, tables.swapping
        self._context = context
        self._clock = clock
        self._catching_up = CatchUp(database, tables, context, clock, position, courses)
        self._bringing = bringing
        self._comparing = Comparing(database, tables, bringing, self._catching_up, context, clock)
        self._sides = SchemaPair(self._shadow.live, self._shadow.schema)
        self._compared = total([])
        self._few = False

    async def run(self, replay_id: str, events: int, *, publish: bool) -> ReplayReport:
        """Catches up and swaps. What the replay of those `events` and of later ones did, as it stands noted."""
        touched = await self._catching_up.run()
        await self._shadow.analyze(self._filling.write_without_course_lock)
        self._compared, differing, meanwhile = await self._comparing.run()
        self._few = fits_in_place(differing)
        if not self._few:
            await self._bringing.copy_all()
            await self._bringing.recopy(touched | meanwhile)
        return await self._swap_patiently(replay_id, events, publish=publish)

    async def _swap_patiently(self, replay_id: str, events: int, *, publish: bool) -> ReplayReport:
        """Tries to swap, with growing pauses in which appenders, and readers of the live tables, go on."""
        reason = "too much was going on"
        for attempt in range(1, ATTEMPTS):
            await run_pending_backfills(self._database, self._context._replace(announces=True), self._clock)
            touched = await self._catching_up.run()
            if not self._few:
                await self._bringing.recopy(touched)
            try:
                report = await self._swap(replay_id, events, attempt, publish=publish)
            except UnavailableError as error:
                reason = str(error)
            else:
                if report is not None:
                    return report
            await asyncio.sleep(min(attempt * PAUSE_SEC, LONGEST_PAUSE_SEC))
        raise UnavailableError(f"expected to swap in what was built within {ATTEMPTS} attempts; the last one: {reason}")

    async def _swap(self, replay_id: str, events: int, attempt: int, *, publish: bool) -> ReplayReport | None:
        """The last round, and the swap. None if more of the log is left than this attempt may take, or a version.

        Nor while a grant is due: what the shadow has of it already would never be announced.
        """
        async with self._swapping.write_exclusive() as connection:
            until = await last_seq(connection)
            is_near = self._catching_up.is_nearly_caught_up(until, attempt)
            is_known = await self._catching_up.knows_all_versions(connection) and await is_backfill_complete(connection)
            if not is_near or not is_known:
                return None
            taken = await self._catching_up.apply_rest(connection, until)
            await copy_retry_history(connection, *self._sides)
            late = await compare_learners(connection, self._sides, self._compared.has_newer_events)
            changed = self._compared.changes.plus(late.changes)
            report = await self._report(connection, events + self._catching_up.events + taken.events, changed)
            if publish:
                gained = await new_signals(connection, self._sides)
                await outbox.enqueue_signals(connection, gained, self._clock())
            if self._few:
                await apply_in_place(connection, self._sides, self._compared.user_ids | late.user_ids)
            else:
                await self._apply_in_place(connection, taken.user_ids)
            await finish(connection, replay_id, report, self._clock())
        return report

    async def _report(self, connection: AsyncConnection, events: int, changed: DiffCounts) -> ReplayReport:
        total = changed.plus(await changed_days(connection, self._sides))
        parked, oldest = await count_parked(connection)
        return ReplayReport(events, parked, *total, oldest)

    async def _apply_in_place(self, connection: AsyncConnection, touched: Collection[str]) -> None:
        await self._shadow.copy_learners(connection, sorted(touched))
        await self._shadow.copy_rest(connection)
        await self._shadow.swap(connection, {name: view(connection.dialect) for name, view in VIEWS.items()})
