"""Folding the log into a shadow: by the database, learners by learners, and in Python what the database cannot say."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError

from engine.fold_range import Folded, Range, count_days, fold_range
from engine.project import Context
from engine.refold import LogPiece, refold, refold_classes
from engine.replay_status import advance
from engine.workers import Job, work_off
from eventstore.database import Database
from eventstore.tables import lms_learner
from projections.fold import ProgressKey
from signals.course_store import Courses
from views import operations, whole

PIECE_SEQS = 20_000
"""So much of the log Python folds at a time; if the database leaves more to it than that, Python folds all of it."""

RANGE_EVENTS = 2_500_000
"""About so many events the database folds at a time: a range costs it a look at the whole log."""

RANGES_AT_ONCE = 2
CLASSES_AT_ONCE = 200
NOTE_EVERY_SEC = 1.0

Watch = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much of it is."""

log = logging.getLogger(__name__)


class Track:
    """How far the log is folded: told to whoever watches, and now and then to the table of replays."""

    def __init__(self, database: Database, replay_id: str, watch: Watch) -> None:
        self.events = 0
        self._database, self._replay_id, self._watch = database, replay_id, watch
        self._total = 0
        self._noted_at = time.monotonic()

    async def begin(self) -> int:
        """How many events there are, about."""
        async with self._database.read() as connection:
            self._total = await whole.count(connection, whole.EVENTS)
        return self._total

    async def add(self, events: int) -> None:
        self.events += events
        total = max(self.events, self._total)
        self._watch("events", self.events, total)
        if time.monotonic() - self._noted_at > NOTE_EVERY_SEC:
            await advance(self._database, self._replay_id, self.events, total)
            self._noted_at = time.monotonic()


class Filling(NamedTuple):
    """What folding needs: the workers, of which there are `number`, the shadow, and what is derived by."""

    pool: Executor
    number: int
    job: Job
    shadow: Database
    context: Context
    courses: Courses


async def fold_log(filling: Filling, database: Database, track: Track, until: int) -> int:
    """Folds the log up to the seq `until` into a new shadow. How many events that were."""
    total = await track.begin()
    counting = asyncio.create_task(count_days(filling.shadow, until, filling.context))
    try:
        left = await fold_ranges(filling, await ranges(database, total, filling.number, until), track)
        await counting
    finally:
        counting.cancel()
    if left is None:
        track.events = 0
        await fold_pieces(filling, track, until)
    else:
        for start in range(0, len(left), CLASSES_AT_ONCE):
            some = left[start : start + CLASSES_AT_ONCE]
            await refold_classes(filling.shadow, some, until, filling.context, filling.job.now)
    return track.events


async def ranges(database: Database, events: int, number: int, last: int) -> list[Range]:
    """All learners, in ranges with about as many each. So many as are worth it."""
    parts = max(min(number, RANGES_AT_ONCE), ceil(events / RANGE_EVENTS), 1)
    async with database.read() as connection:
        learners = await operations.learners(connection)
        ends = [await connection.scalar(select_learner(learners * part // parts)) for part in range(1, parts)]
    bounds = ["", *sorted({end for end in ends if end is not None}), None]
    return [Range(after or "", until, last) for after, until in pairwise(bounds)]


def select_learner(place: int) -> Select[str]:
    """The learner who stands there by id."""
    return select(lms_learner.c.user_id).order_by(lms_learner.c.user_id).offset(place).limit(1)


async def fold_ranges(filling: Filling, pieces: Sequence[Range], track: Track) -> list[ProgressKey] | None:
    """Has the database fold them, a few at once. What it left to Python; None if that is too much to do apart."""
    at_once = asyncio.Semaphore(RANGES_AT_ONCE)

    async def one(piece: Range) -> Folded:
        async with at_once:
            folded = await fold_range(filling.shadow, piece, filling.courses, PIECE_SEQS)
        await track.add(folded.events)
        return folded

    parts = await asyncio.gather(*map(one, pieces), return_exceptions=True)
    folded = [part for part in parts if isinstance(part, Folded)]
    for part in parts:
        if isinstance(part, DBAPIError):
            log.warning("the database refused to fold the log, so it is done event by event: %s", part.orig)
            return None
        if isinstance(part, BaseException):
            raise part
    if sum(part.unsaid for part in folded) > PIECE_SEQS:
        return None
    return [key for part in folded for key in part.keys]


async def fold_pieces(filling: Filling, track: Track, until: int) -> None:
    """Has the workers fold all of the log, whatever of it is folded already."""
    async with aclosing(work_off(filling.pool, filling.number, refold, filling.job, log_pieces(until))) as folded:
        async for events in folded:
            await track.add(events)


async def log_pieces(until: int) -> AsyncIterator[LogPiece]:
    for after in range(0, until, PIECE_SEQS):
        yield LogPiece(after, min(after + PIECE_SEQS, until))
