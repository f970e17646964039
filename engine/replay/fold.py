"""Folding the log into a shadow: by the database, learners by learners, and in Python what the database cannot say."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from sqlalchemy import select

from engine.projecting.project import Context
from engine.replay.fold_range import MOST_UNSAID, FoldResult, Range, count_days, fold_range
from engine.replay.python_fold import LogChunk, refold, refold_classes
from engine.replay.store import advance
from engine.replay.worker_pool import Job, map_unordered
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_event
from projections.fold import ProgressKey
from views import exports

PIECE_SEQS = 20_000
"""So much of the log Python folds at a time."""

RANGE_EVENTS = 2_500_000
"""About so many events the database folds at a time: a range costs it a look at the whole log."""

SAMPLE = 4_001
"""So many events less one, all over the log, tell where ranges end."""

CLASSES_AT_ONCE = 200
NOTE_EVERY_SEC = 1.0

ProgressCallback = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much of it is."""

_sampled = json_rows("sampled", lms_event.c.seq)

SELECT_LEARNERS = select(lms_event.c.user_id).join(_sampled, lms_event.c.seq == _sampled.c.seq)
"""The learners of some events: what is derived of them may not be there yet."""

log = logging.getLogger(__name__)


class ProgressReporter:
    """How far the log is folded: told to whoever watches, and now and then to the table of replays."""

    def __init__(self, database: Database, replay_id: str, watch: ProgressCallback) -> None:
        self.events = 0
        self._database, self._replay_id, self._watch = database, replay_id, watch
        self._total = 0
        self._noted_at = time.monotonic()

    async def start(self) -> int:
        """How many events there are, about."""
        async with self._database.read() as connection:
            self._total = await exports.count(connection, exports.EVENTS)
        return self._total

    async def add(self, events: int) -> None:
        self.events += events
        total = max(self.events, self._total)
        self._watch("events", self.events, total)
        if time.monotonic() - self._noted_at > NOTE_EVERY_SEC:
            await advance(self._database, self._replay_id, self.events, total)
            self._noted_at = time.monotonic()


class FoldJob(NamedTuple):
    """What folding needs: the workers, of which there are `number`, the shadow, and what is derived by."""

    pool: Executor
    number: int
    job: Job
    shadow: Database
    context: Context


async def fold_log(filling: FoldJob, database: Database, track: ProgressReporter, until: int) -> int:
    """Folds the log up to the seq `until` into a new shadow. How many events that were."""
    total = await track.start()
    counting = asyncio.create_task(count_days(filling.shadow, until, filling.context))
    try:
        left = await fold_ranges(filling, await ranges(database, total, filling.number, until), track)
        await counting
    finally:
        counting.cancel()
    if left is None:
        track.events = 0
        await fold_chunks(filling, track, until)
    else:
        for start in range(0, len(left), CLASSES_AT_ONCE):
            some = left[start : start + CLASSES_AT_ONCE]
            await refold_classes(filling.shadow, some, until, filling.context, filling.job.now)
    return track.events


async def ranges(database: Database, events: int, number: int, last: int) -> list[Range]:
    """All learners, in ranges with about as many events each. So many as are worth it."""
    parts = max(number, ceil(events / RANGE_EVENTS), 1)
    async with database.read() as connection:
        sampled = [(last * part // SAMPLE,) for part in range(1, SAMPLE)]
        learners = sorted(await connection.scalars(SELECT_LEARNERS, {"sampled": sampled}))
    ends = {learners[len(learners) * part // parts] for part in range(1, parts) if learners}
    return [Range(after or "", until, last) for after, until in pairwise(["", *sorted(ends), None])]


async def fold_ranges(filling: FoldJob, pieces: Sequence[Range], track: ProgressReporter) -> list[ProgressKey] | None:
    """Has the database fold them. What it left to Python; None if that is too much to do apart."""
    folded: list[FoldResult] = []
    async with aclosing(map_unordered(filling.pool, filling.number, fold_range, filling.job, each(pieces))) as parts:
        async for part in parts:
            folded.append(part)
            await track.add(part.events)
    for part in folded:
        if part.refused is not None:
            log.warning("the database refused to fold the log, so it is done event by event: %s", part.refused)
            return None
    if sum(part.unsaid for part in folded) > MOST_UNSAID:
        return None
    return [key for part in folded for key in part.keys]


async def each(pieces: Iterable[Range]) -> AsyncIterator[Range]:
    for piece in pieces:
        yield piece


async def fold_chunks(filling: FoldJob, track: ProgressReporter, until: int) -> None:
    """Has the workers fold all of the log, whatever of it is folded already."""
    async with aclosing(map_unordered(filling.pool, filling.number, refold, filling.job, log_chunks(until))) as folded:
        async for events in folded:
            await track.add(events)


async def log_chunks(until: int) -> AsyncIterator[LogChunk]:
    for after in range(0, until, PIECE_SEQS):
        yield LogChunk(after, min(after + PIECE_SEQS, until))
