"""The monitor: polls the platform again and again, by one process at a time.

By a lease, as the relay: another process goes on where one was killed.
"""

import asyncio
import logging
from datetime import datetime

from engine.trouble import Trouble
from engine.unbroken import unbroken
from eventstore.database import Database
from eventstore.errors import LmsError
from eventstore.times import Clock
from integrations.activity import mentor_store
from integrations.activity.mentors import MentorFigures, Mentors
from integrations.activity.polling import Polling, Taken
from integrations.backoff import Backoff, wait
from integrations.lease import Lease
from integrations.leased import keep_at

log = logging.getLogger(__name__)


class Monitor:
    """The monitor of one process: polls by `polling`, so many seconds after it was done."""

    def __init__(
        self, database: Database, polling: Polling, mentors: Mentors, clock: Clock, interval_sec: float
    ) -> None:
        self._database = database
        self._polling = polling
        self._mentors = mentors
        self._clock = clock
        self._interval_sec = interval_sec
        self._lease = Lease(database, "activity", clock)
        self._cleared_at: datetime | None = None
        self._kept = MentorFigures()
        self._trouble = Trouble(log, "activity: the platform is not polled", "activity: the platform is polled again")

    async def run(self, stopping: asyncio.Event) -> None:
        """Polls until `stopping`, whenever no other process does; a page that is taken in is ended then."""
        await keep_at(self._poll, self._lease, self._trouble, stopping)

    async def once(self, stopping: asyncio.Event) -> Taken:
        """Polls once. Raises LmsError while another process polls, or where something keeps this one from it."""
        if not await self._lease.take():
            raise LmsError("expected no other monitor at work, found one, such as a server's: that one polls")
        return await self._lease.while_held(self._poll_once(stopping))

    async def _poll(self, stopping: asyncio.Event, backoff: Backoff) -> None:
        while not stopping.is_set():
            await self._poll_once(stopping)
            backoff.reset()
            self._trouble.end()
            await wait(stopping, self._interval_sec)

    async def _poll_once(self, stopping: asyncio.Event) -> Taken:
        await self._forget_mentors()
        taken = await self._polling.once(stopping)
        await self._tell_figures()
        return taken

    async def _forget_mentors(self) -> None:
        """Forgets mentors that are known for long, and all of them if somebody has said so."""
        cleared_at = await unbroken(self._database.query(mentor_store.cleared_at))
        if cleared_at != self._cleared_at:
            self._mentors.clear()
        self._cleared_at = cleared_at
        self._mentors.forget_old()

    async def _tell_figures(self) -> None:
        figures = self._mentors.figures
        if figures != self._kept:
            await unbroken(self._keep(figures))
        self._kept = figures

    async def _keep(self, figures: MentorFigures) -> None:
        async with self._database.write_apart() as connection:
            await mentor_store.keep_figures(connection, figures, self._clock())
