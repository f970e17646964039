"""Copying a filled shadow to staging tables next to the live ones, in short transactions between which others write.

Only SQLite needs the copy; on PostgreSQL only the indexes are missing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.limits import Limits
from engine.replay.sampling import sample_differs
from engine.replay.shadow_tables import ShadowTables
from engine.tables import DERIVED
from eventstore.db.database import Database
from eventstore.read import last_seq
from projections.tables import lms_learner, lms_progress

FOLDED = (lms_progress, lms_learner)
"""The tables that are final as soon as the log is folded."""

IDLE_THROTTLE_RATIO = 0.25
"""The pause after each step, as a multiple of its duration, as long as nobody was seen to append."""


@asynccontextmanager
async def copying_shadow(
    database: Database, tables: ShadowTables, position: int, limits: Limits
) -> AsyncIterator["ShadowCopy"]:
    """Open a ShadowCopy. A copy that nobody waited for is cancelled with the block."""
    shadow_copy = ShadowCopy(database, tables, position, limits)
    try:
        yield shadow_copy
    finally:
        await shadow_copy.cancel()


class ShadowCopy:
    """The copy of a shadow's rows. The log was at the seq `position` when the shadow was filled."""

    def __init__(self, database: Database, tables: ShadowTables, position: int, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._tables = tables
        self._shadow, self._building, self._copy, _ = tables
        self._position = self._seen = position
        self._progress: asyncio.Task[None] | None = None
        self._has_started = False
        self._rest: asyncio.Task[None] | None = None

    def start_copy_of_progress(self) -> None:
        """Start to copy the folded tables in the background, if much differs and readers do not suffer."""
        if self._shadow.needs_copy:
            self._progress = asyncio.create_task(self._copy_progress())

    def start_copy_of_rest(self) -> None:
        """Start to copy the tables that were derived after the fold, if copying of the folded tables has started."""
        if self._has_started:
            self.begin()

    def begin(self) -> None:
        """Start to copy all remaining tables in the background."""
        if self._shadow.needs_copy and self._rest is None:
            self._rest = asyncio.create_task(self._copy_all())

    @property
    def is_running(self) -> bool:
        """Return whether the copy of all remaining tables has started."""
        return self._rest is not None

    async def copy_all(self) -> None:
        """Copy all rows, and create their indexes."""
        await (self._rest or self._copy_all())

    async def cancel(self) -> None:
        """Cancel a copy that nobody waited for."""
        tasks = [task for task in (self._progress, self._rest) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _copy_progress(self) -> None:
        if await sample_differs(self._tables, self._position, self._limits):
            self._has_started = True
            await self._publish(FOLDED)

    async def _copy_all(self) -> None:
        if self._progress is not None:
            await self._progress
        await self._publish([table for table in DERIVED if not self._has_started or table not in FOLDED])

    async def _publish(self, tables: Collection[Table]) -> None:
        await self._shadow.publish(
            self._throttled_transaction if self._shadow.needs_copy else self._building.write_without_course_lock, tables
        )

    async def recopy(self, user_ids: Collection[str]) -> None:
        """Copy the rows of these learners again, who have newer events."""
        if self._shadow.needs_copy:
            ordered = sorted(user_ids)
            for start in range(0, len(ordered), self._limits.recopy_learners):
                async with self._throttled_transaction() as connection:
                    await self._shadow.copy_learners(connection, ordered[start : start + self._limits.recopy_learners])

    @asynccontextmanager
    async def _throttled_transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction, and pause after it so that other writers go first."""
        began = time.monotonic()
        async with self._copy.write_without_course_lock() as connection:
            yield connection
            seen = await last_seq(connection)
        share = self._throttle_ratio(has_seen=seen > self._seen)
        self._seen = seen
        await asyncio.sleep(share * (time.monotonic() - began))

    def _throttle_ratio(self, *, has_seen: bool) -> float:
        """Return the pause in multiples of the last step: 1 if others were seen writing, 0 without other writers."""
        if has_seen:
            return 1.0
        return 0.0 if self._database.is_alone() else IDLE_THROTTLE_RATIO
