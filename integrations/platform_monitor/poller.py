"""Polling: what is new in the platform's tables is taken in, a page in a transaction, which moves the cursor too.

So a poll can be broken off anywhere, and goes on where it was.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.times import Clock
from integrations.platform_monitor.activity_batch import Batch
from integrations.platform_monitor.change_detection import Row
from integrations.platform_monitor.platform import Platform
from integrations.platform_monitor.processor import FEEDS, ActivityIntake
from integrations.platform_monitor.queries import PAGE
from integrations.platform_monitor.watermark import Scan, Snapshot, next_sweep
from integrations.runtime import cursors

log = logging.getLogger(__name__)


class PollResult(NamedTuple):
    """How many rows were read, and how many activities of theirs were new."""

    rows: int = 0
    new: int = 0

    def plus(self, other: "PollResult") -> "PollResult":
        return PollResult(self.rows + other.rows, self.new + other.new)


class Page(NamedTuple):
    """So many rows, what they tell of, and the sweep that is gone on behind them."""

    rows: int
    batch: Batch
    sweep: Scan


class Poller:
    """Polls that platform; `intake` takes in what its rows tell of."""

    def __init__(self, database: Database, platform: Platform, intake: ActivityIntake, clock: Clock) -> None:
        self._database = database
        self._platform = platform
        self._intake = intake
        self._clock = clock

    async def once(self, stopping: asyncio.Event) -> PollResult:
        """Takes in all that is new by now, or until `stopping`: the page in hand is ended then.

        Raises Unavailable while one of the two databases cannot be had.
        """
        taken = PollResult()
        moment = await self._platform.snapshot()
        for feed in FEEDS:
            swept = await self._sweep(feed, moment, stopping)
            log.info("%s: %d rows read, %d new activities", feed, *swept)
            taken = taken.plus(swept)
        return taken

    async def _sweep(self, feed: str, moment: Snapshot, stopping: asyncio.Event) -> PollResult:
        taken = PollResult()
        sweep = next_sweep(await self._last_sweep(feed), moment, self._clock())
        page = asyncio.create_task(self._page(feed, sweep))
        try:
            while not sweep.is_over and not stopping.is_set():
                rows, batch, sweep = await page
                if not sweep.is_over:
                    page = asyncio.create_task(self._page(feed, sweep))  # it comes while the one before is kept
                new = await shielded(self._intake.keep(batch, partial(self._advance, feed, sweep)))
                taken = taken.plus(PollResult(rows, new))
        finally:
            page.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await page
        return taken

    async def _last_sweep(self, feed: str) -> Scan | None:
        found = await shielded(self._database.run_read(partial(cursors.find, name=cursor_of(feed))))
        return None if found is None else Scan.model_validate_json(found.position)

    async def _page(self, feed: str, sweep: Scan) -> Page:
        if sweep.changed_at is None or sweep.row_id is None:
            rows = await self._platform.since(feed, sweep.since)
        else:
            rows = await self._platform.after(feed, sweep.changed_at, sweep.row_id)
        return Page(len(rows), await self._intake.prepare(feed, rows, sweep.began_at), advance_scan(sweep, rows))

    async def _advance(self, feed: str, sweep: Scan, connection: AsyncConnection) -> None:
        await cursors.advance(connection, cursor_of(feed), sweep.model_dump_json(exclude_none=True), self._clock())


def cursor_of(feed: str) -> str:
    return f"activity.{feed}"


def advance_scan(sweep: Scan, rows: Sequence[Row]) -> Scan:
    """The sweep, gone on behind these rows; it is over where there were less than there could be."""
    if rows:
        sweep = sweep.moved(rows[-1]["changed_at"], rows[-1]["id"])
    return sweep if len(rows) == PAGE else sweep.ended()
