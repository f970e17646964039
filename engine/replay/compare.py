"""Comparing: what a filled shadow would change, counted before it is swapped in, by ranges of learners side by side.

Where much differs, bringing begins beside it.
"""

from typing import NamedTuple

from engine.courses.publish import is_backfill_complete, run_pending_backfills
from engine.projecting.project import Context
from engine.replay.catch_up import CatchUp
from engine.replay.diff import Diff, compare, total
from engine.replay.diff_queries import LearnerFilter, SchemaPair, ranges
from engine.replay.sampling import fits_in_place
from engine.replay.shadow_copy import ShadowCopy
from engine.replay.shadow_tables import ShadowTables
from eventstore.concurrency import AT_ONCE, map_concurrently
from eventstore.db.database import Database
from eventstore.times import Clock

RANGES_BESIDE = 20
"""Beside comparing more, nothing is brought: SQLite's log only grows as long as there is always somebody who reads it,
and reading takes longer the more of it there is."""


class Comparison(NamedTuple):
    """What changes, for how many learners, and to whom something happened while that was counted."""

    compared: Diff
    differing: int
    touched: set[str]


class Comparing:
    """Compares a shadow with what is live."""

    def __init__(
        self,
        database: Database,
        tables: ShadowTables,
        bringing: ShadowCopy,
        catching_up: CatchUp,
        context: Context,
        clock: Clock,
    ) -> None:
        self._database, self._filling = database, tables.building
        self._bringing, self._catching_up = bringing, catching_up
        self._context, self._clock = context, clock
        self._sides = SchemaPair(tables.shadow.live, tables.shadow.schema)
        self._differing = 0
        self._beside = False

    async def run(self) -> Comparison:
        """Counts what changes for all but those who are late: of whom the log has more than the shadow."""
        touched: set[str] = set()
        while True:
            self._differing = 0
            async with self._filling.read() as connection:
                learners = [those async for those in ranges(connection, self._sides)]
            self._beside = len(learners) <= RANGES_BESIDE
            at_once = 1 if self._bringing.is_running else AT_ONCE  # the end waits for bringing: it has a core then
            compared = await map_concurrently(self._compare_learners, learners, at_once)
            counted = [part for part in compared if part is not None]
            if len(counted) == len(learners):
                return Comparison(total(counted), self._differing, touched)
            await run_pending_backfills(self._database, self._context._replace(announces=True), self._clock)
            touched |= await self._catching_up.run()

    async def _compare_learners(self, those: LearnerFilter) -> Diff | None:
        """The same for some learners, as of one moment. None if the shadow lacks a version, or a grant is due."""
        async with self._filling.read() as connection:
            if not await self._catching_up.knows_all_versions(connection) or not await is_backfill_complete(connection):
                return None
            compared = await compare(connection, self._sides, those, self._catching_up.position)
        self._differing += len(compared.user_ids)
        if fits_in_place(self._differing):
            return compared
        if self._beside:  # all of it, and what is left to be compared changes nothing of that
            self._bringing.begin()
        return compared._replace(user_ids=set())  # of so many nobody asks who they are, and they are too many to keep
