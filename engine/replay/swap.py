"""Swapping: catch a filled shadow up with the log, and replace the live tables with it.

The short rest of the log is applied while nobody appends. A small diff is applied in place, without a swap.
"""

import asyncio
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.backfill import is_backfill_complete, run_pending_backfills
from engine.parking.park import copy_retry_history, count_parked
from engine.projecting.context import Context
from engine.replay.apply_in_place import apply_in_place
from engine.replay.catch_up import CatchUp
from engine.replay.compare import ShadowComparison
from engine.replay.diff import DiffCounts, changed_days, compare_learners, new_signals, total
from engine.replay.diff_queries import SchemaPair
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


class Swap:
    """The last part of a replay: from a shadow filled up to the seq `position`, with the versions of `courses`."""

    def __init__(
        self,
        database: Database,
        tables: ShadowTables,
        shadow_copy: ShadowCopy,
        context: Context,
        clock: Clock,
        position: int,
        courses: CourseCatalog,
    ) -> None:
        self._database = database
        self._shadow, self._building, self._swapping = tables.shadow, tables.building, tables.swapping
        self._context = context
        self._clock = clock
        self._catch_up = CatchUp(database, tables, context, clock, position, courses)
        self._copy = shadow_copy
        self._comparing = ShadowComparison(database, tables, shadow_copy, self._catch_up, context, clock)
        self._schemas = SchemaPair(self._shadow.live, self._shadow.schema)
        self._compared = total([])
        self._in_place = False

    async def run(self, replay_id: str, events: int, *, publish: bool) -> ReplayReport:
        """Catch up and swap. Return the report of the replay, which is saved by then."""
        touched = await self._catch_up.run()
        await self._shadow.analyze(self._building.write_without_course_lock)
        self._compared, differing, meanwhile = await self._comparing.run()
        self._in_place = differing <= self._context.limits.in_place_learners
        if not self._in_place:
            await self._copy.copy_all()
            await self._copy.recopy(touched | meanwhile)
        return await self._swap_with_retry(replay_id, events, publish=publish)

    async def _swap_with_retry(self, replay_id: str, events: int, *, publish: bool) -> ReplayReport:
        """Try to swap, with growing pauses in which appenders and readers of the live tables continue."""
        reason, limits = "too many events were appended meanwhile", self._context.limits
        for attempt in range(1, limits.swap_attempts):
            await run_pending_backfills(self._database, self._context._replace(announces=True), self._clock)
            touched = await self._catch_up.run()
            if not self._in_place:
                await self._copy.recopy(touched)
            try:
                report = await self._swap(replay_id, events, attempt, publish=publish)
            except UnavailableError as error:
                reason = str(error)
            else:
                if report is not None:
                    return report
            await asyncio.sleep(min(attempt * limits.swap_pause_sec, limits.swap_longest_pause_sec))
        raise UnavailableError(f"the swap did not succeed in {limits.swap_attempts} attempts; the last one: {reason}")

    async def _swap(self, replay_id: str, events: int, attempt: int, *, publish: bool) -> ReplayReport | None:
        """Apply the rest of the log, then swap, in one exclusive transaction.

        Return None to try again: more is left than this attempt may apply, a version is missing, or a backfill is
        pending, whose signals would never be announced.
        """
        async with self._swapping.write_exclusive() as connection:
            until = await last_seq(connection)
            is_near = self._catch_up.is_nearly_caught_up(until, attempt)
            is_known = await self._catch_up.knows_all_versions(connection) and await is_backfill_complete(connection)
            if not is_near or not is_known:
                return None
            applied = await self._catch_up.apply_rest(connection, until)
            await copy_retry_history(connection, *self._schemas)
            late = await compare_learners(connection, self._schemas, self._compared.has_newer_events)
            changed = self._compared.changes.plus(late.changes)
            report = await self._report(connection, events + self._catch_up.events + applied.events, changed)
            if publish:
                gained_signals = await new_signals(connection, self._schemas)
                await outbox.enqueue_signals(connection, gained_signals, self._clock())
            if self._in_place:
                await apply_in_place(connection, self._schemas, self._compared.user_ids | late.user_ids)
            else:
                await self._apply_in_place(connection, applied.user_ids)
            await finish(connection, replay_id, report, self._clock())
        return report

    async def _report(self, connection: AsyncConnection, events: int, changed: DiffCounts) -> ReplayReport:
        total = changed.plus(await changed_days(connection, self._schemas))
        parked, oldest = await count_parked(connection)
        return ReplayReport(events, parked, *total, oldest)

    async def _apply_in_place(self, connection: AsyncConnection, touched: Collection[str]) -> None:
        await self._shadow.copy_learners(connection, sorted(touched))
        await self._shadow.copy_rest(connection)
        await self._shadow.swap(connection, {name: view(connection.dialect) for name, view in VIEWS.items()})
