"""Comparing: what a filled shadow would change, counted before it is swapped in, by ranges of learners side by side.

Where much differs, bringing begins beside it.
"""

from typing import NamedTuple

from engine.bringing import Bringing
from engine.catch_up import CatchingUp
from engine.changes import Compared, compare, total
from engine.probing import are_few
from engine.project import Context
from engine.publish import all_granted, grant_unfinished
from engine.sides import Sides, Those, ranges
from eventstore.beside import AT_ONCE, side_by_side
from eventstore.database import Database
from eventstore.shadow import ShadowTables
from eventstore.times import Clock

RANGES_BESIDE = 20
"""Beside comparing more, nothing is brought: SQLite's log only grows as long as there is always somebody who reads it,
and reading takes longer the more of it there is."""


class Comparison(NamedTuple):
    """What changes, for how many learners, and to whom something happened while that was counted."""

    compared: Compared
    differing: int
    touched: set[str]


class Comparing:
    """Compares a shadow with what is live."""

    def __init__(
        self,
        database: Database,
        tables: ShadowTables,
        bringing: Bringing,
        catching_up: CatchingUp,
        context: Context,
        clock: Clock,
    ) -> None:
        self._database, self._filling = database, tables.filling
        self._bringing, self._catching_up = bringing, catching_up
        self._context, self._clock = context, clock
        self._sides = Sides(tables.shadow.live, tables.shadow.here)
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
            at_once = 1 if self._bringing.is_under_way else AT_ONCE  # the end waits for bringing: it has a core then
            compared = await side_by_side(self._compare_those, learners, at_once)
            counted = [part for part in compared if part is not None]
            if len(counted) == len(learners):
                return Comparison(total(counted), self._differing, touched)
            await grant_unfinished(self._database, self._context._replace(announces=True), self._clock)
            touched |= await self._catching_up.run()

    async def _compare_those(self, those: Those) -> Compared | None:
        """The same for some learners, as of one moment. None if the shadow lacks a version, or a grant is due."""
        async with self._filling.read() as connection:
            if not await self._catching_up.knows_all_versions(connection) or not await all_granted(connection):
                return None
            compared = await compare(connection, self._sides, those, self._catching_up.position)
        self._differing += len(compared.user_ids)
        if are_few(self._differing):
            return compared
        if self._beside:  # all of it, and what is left to be compared changes nothing of that
            self._bringing.begin()
        return compared._replace(user_ids=set())  # of so many nobody asks who they are, and they are too many to keep
