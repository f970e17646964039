"""The monitor: polls the platform again and again, by one process at a time.

By a lease, as the relay: another process goes on where one was killed.
"""

import asyncio
import logging
from datetime import datetime

from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.errors import LmsError
from eventstore.outage_log import OutageLog
from eventstore.times import Clock
from integrations.platform_monitor import store
from integrations.platform_monitor.mentor_cache import MentorFigures, Mentors
from integrations.platform_monitor.poller import Poller, PollResult
from integrations.runtime.backoff import Backoff, wait
from integrations.runtime.leader import run_as_leader
from integrations.runtime.lease import Lease

log = logging.getLogger(__name__)


class Monitor:
    """The monitor of one process: polls by `polling`, so many seconds after it was done."""

    def __init__(
        self, database: Database, polling: Poller, mentors: Mentors, clock: Clock, interval_sec: float
    ) -> None:
        self._database = database
        self._polling = polling
        self._mentors = mentors
        self._clock = clock
        self._interval_sec = interval_sec
        self._lease = Lease(database, "activity", clock)
        self._cleared_at: datetime | None = None
        self._kept = MentorFigures()
        self._trouble = OutageLog(log, "activity: the platform is not polled", "activity: the platform is polled again")

    async def run(self, stopping: asyncio.Event) -> None:
        """Polls until `stopping`, whenever no other process does; a page that is taken in is ended then."""
        await run_as_leader(self._poll, self._lease, self._trouble, stopping)

    async def once(self, stopping: asyncio.Event) -> PollResult:
        """Polls once. Raises LmsError while another process polls, or where something keeps this one from it."""
        if not await self._lease.acquire():
            raise LmsError("expected no other monitor at work, found one, such as a server's: that one polls")
        return await self._lease.hold(self._poll_once(stopping))

    async def _poll(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        while not stopping.is_set():
            await self._poll_once(stopping)
            backoff.reset()
            self._trouble.recovered()
            await wait(stopping, self._interval_sec)

    async def _poll_once(self, stopping: asyncio.Event) -> PollResult:
        await self._forget_mentors()
        taken = await self._polling.once(stopping)
        await self._publish_stats()
        return taken

    async def _forget_mentors(self) -> None:
        """Forgets mentors that are known for long, and all of them if somebody has said so."""
        cleared_at = await shielded(self._database.run_read(store.cleared_at))
        if cleared_at != self._cleared_at:
            self._mentors.clear()
        self._cleared_at = cleared_at
        self._mentors.evict_expired()

    async def _publish_stats(self) -> None:
        figures = self._mentors.figures
        if figures != self._kept:
            await shielded(self._run_forever(figures))
        self._kept = figures

    async def _run_forever(self, figures: MentorFigures) -> None:
        async with self._database.write_without_course_lock() as connection:
            await store.save_stats(connection, figures, self._clock())
