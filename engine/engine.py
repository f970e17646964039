"""The engine: ingest, courses and background work on one database. The server and each command open one.

async with Engine(database, …) as engine:
    receipt = await engine.ingest.submit(events)
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from engine.courses.backfill import is_backfill_complete, run_pending_backfills
from engine.courses.publish import publish
from engine.ingest.ingest import Ingest
from engine.limits import DEFAULT_LIMITS, Limits
from engine.projecting.context import SHARDS, Context
from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import UnavailableError
from eventstore.times import Clock, system_clock
from projections.rule import Rule
from projections.rules import RULES
from signals.course import CourseVersion, Step
from signals.course_catalog import CourseCache
from signals.xp import DEFAULT_XP_VALUES, XpValues

QUEUE_EVENTS = 50_000

log = logging.getLogger(__name__)


class Engine:
    """A database with its ingest and its background work. Open it with `async with`.

    The callbacks in `after_publish` are called at start and after each publication, whichever process published.
    """

    def __init__(
        self,
        database: Database,
        xp_values: XpValues = DEFAULT_XP_VALUES,
        clock: Clock = system_clock,
        queue_events: int = QUEUE_EVENTS,
        limits: Limits = DEFAULT_LIMITS,
        rules: Sequence[Rule] | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.context = Context(CourseCache(), xp_values, os.getpid() % SHARDS, limits=limits, rules=rules or RULES)
        self.ingest = Ingest(database, self.context, clock, queue_events)
        self.after_publish: list[Callable[[], Awaitable[object]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = asyncio.Lock()
        self._known_versions: int | None = None

    async def __aenter__(self) -> Self:
        self.ingest.start()
        self.schedule_pending_work()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.ingest.stop()

    async def publish(self, course_id: str, title: str, steps: tuple[Step, ...]) -> CourseVersion | None:
        """Publish a version and backfill it, a long backfill in the background. Return None if nothing changed."""
        version = await publish(self.database, course_id, title, steps, self.clock)
        if version is not None:
            await asyncio.wait([self.schedule_pending_work()], timeout=self.context.limits.backfill_patience_sec)
        return version

    async def run_pending_work(self) -> None:
        """Complete all backfills, and call `after_publish`."""
        versions = await shielded(self._versions())
        await run_pending_backfills(self.database, self.context, self.clock)
        for callback in self.after_publish:
            await callback()
        self._known_versions = versions

    async def _versions(self) -> int:
        async with self.database.read() as connection:
            return (await self.context.courses.courses(connection)).versions

    async def has_pending_work(self) -> bool:
        """Return whether `run_pending_work` has anything to do. Another process may have published and been killed."""
        async with self.database.read() as connection:
            versions = (await self.context.courses.courses(connection)).versions
            return versions != self._known_versions or not await is_backfill_complete(connection)

    def schedule_pending_work(self) -> asyncio.Task[None]:
        """Run the pending work in the background, if there is any by then."""
        task = asyncio.create_task(self._run_pending_work_serially())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_pending_work_serially(self) -> None:
        """Run the pending work, one run at a time. Continue it after the database interrupted it."""
        async with self._running:
            while True:
                try:
                    if await shielded(self.has_pending_work()):
                        await self.run_pending_work()
                    return
                except UnavailableError as error:
                    log.warning("backfills are interrupted: %s", error)
                except Exception:
                    log.exception("backfills failed; they are tried again")
                    return
                await asyncio.sleep(self.context.limits.outage_pause_sec)
