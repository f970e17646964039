"""Bringing: a filled shadow is got ready to be swapped in, in short steps, between which others append.

Where its rows lie apart from the live ones, they are brought beside those; else it lacks its indexes alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.replay.sampling import sample_differs
from engine.replay.shadow_tables import ShadowTables
from eventstore.db.database import Database
from eventstore.read import last_seq
from eventstore.tables import DERIVED, lms_learner, lms_progress

FOLDED = (lms_progress, lms_learner)
"""What is there as soon as the log is folded, and does not change as the rest is derived from it."""

BROUGHT_LEARNERS = 200

QUIET_SHARE = 0.25
"""How long others are let in after each step of bringing, in steps, as long as none of them was seen to append."""


@asynccontextmanager
async def copying_shadow(database: Database, tables: ShadowTables, position: int) -> AsyncIterator["ShadowCopy"]:
    """How the rows of a shadow are brought. What was begun and not waited for ends with the block."""
    brought = ShadowCopy(database, tables, position)
    try:
        yield brought
    finally:
        await brought.cancel()


class ShadowCopy:
    """Has the rows of a shadow where they can be swapped in; the log was at the seq `position` before."""

    def __init__(self, database: Database, tables: ShadowTables, position: int) -> None:
        self._database = database
        self._tables = tables
        self._shadow, self._filling, self._bringing, _ = tables
        self._position = self._seen = position
        self._folded: asyncio.Task[None] | None = None
        self._has_begun = False
        self._begun: asyncio.Task[None] | None = None

    def start_copy_of_progress(self) -> None:
        """Has what is folded brought beside all else, if much differs, and where readers of the shadow do not mind."""
        if self._shadow.needs_copy:
            self._folded = asyncio.create_task(self._copy_progress())

    def start_copy_of_rest(self) -> None:
        """Goes on with all that is derived, if it has begun with what is folded."""
        if self._has_begun:
            self.begin()

    def begin(self) -> None:
        """Begins to bring all that is left in the same way."""
        if self._shadow.needs_copy and self._begun is None:
            self._begun = asyncio.create_task(self._copy_all())

    @property
    def is_running(self) -> bool:
        """Whether all that is left has begun to be brought."""
        return self._begun is not None

    async def copy_all(self) -> None:
        """All rows, with their indexes."""
        await (self._begun or self._copy_all())

    async def cancel(self) -> None:
        """Ends what was begun and not waited for."""
        tasks = [task for task in (self._folded, self._begun) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _copy_progress(self) -> None:
        if await sample_differs(self._tables, self._position):
            self._has_begun = True
            await self._publish(FOLDED)

    async def _copy_all(self) -> None:
        if self._folded is not None:
            await self._folded
        await self._publish([table for table in DERIVED if not self._has_begun or table not in FOLDED])

    async def _publish(self, tables: Collection[Table]) -> None:
        await self._shadow.publish(
            self._throttled_transaction if self._shadow.needs_copy else self._filling.write_without_course_lock, tables
        )

    async def recopy(self, user_ids: Collection[str]) -> None:
        """Those of these learners, to whom something happened since."""
        if self._shadow.needs_copy:
            ordered = sorted(user_ids)
            for some in range(0, len(ordered), BROUGHT_LEARNERS):
                async with self._throttled_transaction() as connection:
                    await self._shadow.copy_learners(connection, ordered[some : some + BROUGHT_LEARNERS])

    @asynccontextmanager
    async def _throttled_transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that others wait for, if there are any, and a pause in which they go first."""
        began = time.monotonic()
        async with self._bringing.write_without_course_lock() as connection:
            yield connection
            seen = await last_seq(connection)
        share = self._throttle_ratio(has_seen=seen > self._seen)
        self._seen = seen
        await asyncio.sleep(share * (time.monotonic() - began))

    def _throttle_ratio(self, *, has_seen: bool) -> float:
        """How long others are let in, in steps: as long, once somebody appended; not at all if nobody is there."""
        if has_seen:
            return 1.0
        return 0.0 if self._database.is_alone() else QUIET_SHARE
