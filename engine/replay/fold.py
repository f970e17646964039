"""Folding the log into a shadow: in SQL by ranges of learners, and in Python what SQL cannot decide."""

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

from engine.projecting.context import Context
from engine.replay.fold_range import FoldResult, Range, count_days, fold_range
from engine.replay.python_fold import LogChunk, fold_chunk, fold_classes
from engine.replay.store import advance
from engine.replay.worker_pool import WorkerJob, map_unordered
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_event
from projections.fold import ProgressKey
from views import exports

SAMPLE = 4_001
"""The ranges end at learners of this many events less one, sampled from the whole log."""

SAVE_EVERY_SEC = 1.0

ProgressCallback = Callable[[str, int, int], None]
"""Called with the name of the phase, the work that is done, and the total."""

_sampled = json_rows("sampled", lms_event.c.seq)

SELECT_LEARNERS = select(lms_event.c.user_id).join(_sampled, lms_event.c.seq == _sampled.c.seq)
"""The learners of sampled events. The derived tables may lack learners, so they are no source."""

log = logging.getLogger(__name__)


class ProgressReporter:
    """Reports how far the fold is: to a callback, and every second to lms_replay."""

    def __init__(self, database: Database, replay_id: str, on_progress: ProgressCallback) -> None:
        self.events = 0
        self._database, self._replay_id, self._on_progress = database, replay_id, on_progress
        self._total = 0
        self._saved_at = time.monotonic()

    async def start(self) -> int:
        """Estimate the number of events, and return it."""
        async with self._database.read() as connection:
            self._total = await exports.count(connection, exports.EVENTS)
        return self._total

    async def add(self, events: int) -> None:
        self.events += events
        total = max(self.events, self._total)
        self._on_progress("events", self.events, total)
        if time.monotonic() - self._saved_at > SAVE_EVERY_SEC:
            await advance(self._database, self._replay_id, self.events, total)
            self._saved_at = time.monotonic()


class FoldJob(NamedTuple):
    """The parameters of a fold: the worker pool and its size, the workers' job, the shadow and the context."""

    pool: Executor
    number: int
    job: WorkerJob
    shadow: Database
    context: Context


async def fold_log(fold_job: FoldJob, database: Database, track: ProgressReporter, until: int) -> int:
    """Fold the log up to the seq `until` into an empty shadow. Return the number of events."""
    total = await track.start()
    counting = asyncio.create_task(count_days(fold_job.shadow, until, fold_job.context))
    try:
        left = await fold_ranges(fold_job, await ranges(fold_job, database, total, until), track)
        await counting
    finally:
        counting.cancel()
    if left is None:
        track.events = 0
        await fold_chunks(fold_job, track, until)
    else:
        size = fold_job.job.limits.python_fold_classes
        for start in range(0, len(left), size):
            some = left[start : start + size]
            await fold_classes(fold_job.shadow, some, until, fold_job.context, fold_job.job.now)
    return track.events


async def ranges(fold_job: FoldJob, database: Database, events: int, last: int) -> list[Range]:
    """Split all learners into ranges with about equal numbers of events, as many as pay."""
    parts = max(fold_job.number, ceil(events / fold_job.job.limits.sql_fold_events), 1)
    async with database.read() as connection:
        sampled = [(last * part // SAMPLE,) for part in range(1, SAMPLE)]
        learners = sorted(await connection.scalars(SELECT_LEARNERS, {"sampled": sampled}))
    ends = {learners[len(learners) * part // parts] for part in range(1, parts) if learners}
    return [Range(after or "", until, last) for after, until in pairwise(["", *sorted(ends), None])]


async def fold_ranges(fold_job: FoldJob, chunks: Sequence[Range], track: ProgressReporter) -> list[ProgressKey] | None:
    """Fold ranges in SQL. Return the classes that are left to Python; None if they are too many to fold them alone."""
    folded: list[FoldResult] = []
    async with aclosing(map_unordered(fold_job.pool, fold_job.number, fold_range, fold_job.job, each(chunks))) as parts:
        async for part in parts:
            folded.append(part)
            await track.add(part.events)
    for part in folded:
        if part.refused is not None:
            log.warning("the database refused to fold the log, so it is done event by event: %s", part.refused)
            return None
    if sum(part.undecided for part in folded) > fold_job.job.limits.undecided_events:
        return None
    return [key for part in folded for key in part.keys]


async def each(chunks: Iterable[Range]) -> AsyncIterator[Range]:
    for chunk in chunks:
        yield chunk


async def fold_chunks(fold_job: FoldJob, track: ProgressReporter, until: int) -> None:
    """Fold the whole log in Python. Classes that SQL folded already do no harm."""
    async with aclosing(
        map_unordered(
            fold_job.pool,
            fold_job.number,
            fold_chunk,
            fold_job.job,
            log_chunks(until, fold_job.job.limits.python_fold_seqs),
        )
    ) as folded:
        async for events in folded:
            await track.add(events)


async def log_chunks(until: int, size: int) -> AsyncIterator[LogChunk]:
    for after in range(0, until, size):
        yield LogChunk(after, min(after + size, until))
