"""Comparing a filled shadow with the live tables, by ranges of learners in parallel, before it is swapped in.

If much differs, the copy of the shadow begins meanwhile.
"""

from typing import NamedTuple

from engine.courses.backfill import is_backfill_complete, run_pending_backfills
from engine.projecting.context import Context
from engine.replay.catch_up import CatchUp
from engine.replay.diff import Diff, compare, total
from engine.replay.diff_queries import LearnerFilter, SchemaPair, ranges
from engine.replay.shadow_copy import ShadowCopy
from engine.replay.shadow_tables import ShadowTables
from eventstore.concurrency import AT_ONCE, map_concurrently
from eventstore.db.database import Database
from eventstore.times import Clock


class Comparison(NamedTuple):
    """The numbers that change, how many learners differ, and which learners have newer events."""

    compared: Diff
    differing: int
    touched: set[str]


class ShadowComparison:
    """Compares a shadow with the live tables."""

    def __init__(
        self,
        database: Database,
        tables: ShadowTables,
        shadow_copy: ShadowCopy,
        catch_up: CatchUp,
        context: Context,
        clock: Clock,
    ) -> None:
        self._database, self._building = database, tables.building
        self._copy, self._catch_up = shadow_copy, catch_up
        self._context, self._clock = context, clock
        self._schemas = SchemaPair(tables.shadow.live, tables.shadow.schema)
        self._differing = 0
        self._copies_early = False

    async def run(self) -> Comparison:
        """Compute the diff, without learners that have events newer than the shadow: they are compared at the swap."""
        touched: set[str] = set()
        while True:
            self._differing = 0
            async with self._building.read() as connection:
                learners = [
                    each async for each in ranges(connection, self._schemas, self._context.limits.compare_learners)
                ]
            self._copies_early = len(learners) <= self._context.limits.early_copy_ranges
            at_once = 1 if self._copy.is_running else AT_ONCE  # the copy, which is waited for, gets a core
            compared = await map_concurrently(self._compare_learners, learners, at_once)
            counted = [part for part in compared if part is not None]
            if len(counted) == len(learners):
                return Comparison(total(counted), self._differing, touched)
            await run_pending_backfills(self._database, self._context._replace(announces=True), self._clock)
            touched |= await self._catch_up.run()

    async def _compare_learners(self, learner_range: LearnerFilter) -> Diff | None:
        """Diff one range of learners in one snapshot.

        Return None if the shadow lacks a version, or a backfill is pending.
        """
        async with self._building.read() as connection:
            if not await self._catch_up.knows_all_versions(connection) or not await is_backfill_complete(connection):
                return None
            compared = await compare(connection, self._schemas, learner_range, self._catch_up.position)
        self._differing += len(compared.user_ids)
        if self._differing <= self._context.limits.in_place_learners:
            return compared
        if self._copies_early:  # all is copied, and what the rest differs in does not change that
            self._copy.begin()
        return compared._replace(user_ids=set())  # the ids of so many learners are not needed, and take too much memory
