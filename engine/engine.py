"""The engine: everything that moves, put together once for the server and once for each command.

async with Engine(database, …) as engine:
    receipt = await engine.ingest.submit(events)
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from engine.courses.publish import is_backfill_complete, publish, run_pending_backfills
from engine.ingest.ingest import Ingest
from engine.projecting.project import SHARDS, Context
from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import UnavailableError
from eventstore.times import Clock, system_clock
from signals.course import CourseVersion, Step
from signals.course_catalog import CourseCache
from signals.xp import DEFAULT_WORTH, XpValues

QUEUE_EVENTS = 50_000
PAUSE_AFTER_TROUBLE_SEC = 1.0
GRANT_PATIENCE_SEC = 2.0
"""How long publishing waits for what it grants: small courses are done by then, large ones go on behind."""

log = logging.getLogger(__name__)


class Engine:
    """Owns the background work on one database.

    `after_publish` is called at start and after each publication, whichever process published.
    """

    def __init__(
        self,
        database: Database,
        worth: XpValues = DEFAULT_WORTH,
        clock: Clock = system_clock,
        queue_events: int = QUEUE_EVENTS,
    ) -> None:
        self.database = database
        self.clock = clock
        self.context = Context(CourseCache(), worth, os.getpid() % SHARDS)
        self.ingest = Ingest(database, self.context, clock, queue_events)
        self.after_publish: list[Callable[[], Awaitable[object]]] = []
        self._catching_up: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._known_versions: int | None = None

    async def __aenter__(self) -> Self:
        self.ingest.start()
        self.schedule_pending_work()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._catching_up:
            task.cancel()
        await asyncio.gather(*self._catching_up, return_exceptions=True)
        await self.ingest.stop()

    async def publish(self, course_id: str, title: str, steps: tuple[Step, ...]) -> CourseVersion | None:
        """Publishes a version, None if nothing changed. What it grants is there at once if little, else soon after."""
        version = await publish(self.database, course_id, title, steps, self.clock)
        if version is not None:
            await asyncio.wait([self.schedule_pending_work()], timeout=GRANT_PATIENCE_SEC)
        return version

    async def run_pending_work(self) -> None:
        """Does all that publishing left to do: grants, and whatever waited for a course."""
        versions = await shielded(self._versions())
        await run_pending_backfills(self.database, self.context, self.clock)
        for callback in self.after_publish:
            await callback()
        self._known_versions = versions

    async def _versions(self) -> int:
        async with self.database.read() as connection:
            return (await self.context.courses.courses(connection)).versions

    async def has_pending_work(self) -> bool:
        """Whether there is any of it to do. Another process may have published, and been killed since."""
        async with self.database.read() as connection:
            versions = (await self.context.courses.courses(connection)).versions
            return versions != self._known_versions or not await is_backfill_complete(connection)

    def schedule_pending_work(self) -> asyncio.Task[None]:
        """Has it done in the background, if it is not done by then."""
        task = asyncio.create_task(self._run_pending_work_serially())
        self._catching_up.add(task)
        task.add_done_callback(self._catching_up.discard)
        return task

    async def _run_pending_work_serially(self) -> None:
        """One at a time, in the order of publication; what the database interrupts is taken up again."""
        async with self._turn:
            while True:
                try:
                    if await shielded(self.has_pending_work()):
                        await self.run_pending_work()
                    return
                except UnavailableError as error:
                    log.warning("granting what courses published is interrupted: %s", error)
                except Exception:
                    log.exception("granting what courses published failed; it is tried again")
                    return
                await asyncio.sleep(PAUSE_AFTER_TROUBLE_SEC)
