"""Deriving all signals and XP of a shadow that has progress, by the worker processes."""

from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import aclosing

from sqlalchemy import Select, func, select

from engine.replay.derive_learners import LearnerChunk, derive_chunk
from engine.replay.fold import ProgressCallback
from engine.replay.worker_pool import WorkerJob, map_unordered
from eventstore.db.database import Database
from projections.rollups import xp_histogram
from projections.tables import lms_learner

_l = lms_learner.c

COUNT_LEARNERS = select(func.count()).select_from(lms_learner)
"""The number of learners, for the progress bar."""


def select_boundary(after: str, learners: int) -> Select[str]:
    """Select the last of the next `learners` learners behind `after`, if there are as many."""
    return select(_l.user_id).where(_l.user_id > after).order_by(_l.user_id).offset(learners - 1).limit(1)


def select_last(after: str) -> Select[str]:
    """Select the last learner of all, if there are any behind `after`."""
    return select(_l.user_id).where(_l.user_id > after).order_by(_l.user_id.desc()).limit(1)


async def derive_learners(
    pool: Executor, number: int, job: WorkerJob, shadow: Database, on_progress: ProgressCallback
) -> None:
    """Derive the signals and the XP of all learners in the shadow, except for the histogram."""
    async with shadow.read() as connection:
        total = (await connection.execute(COUNT_LEARNERS)).scalar_one()
    done, size = 0, job.limits.derive_learners
    chunks = learner_chunks(shadow, size)
    async with aclosing(map_unordered(pool, number, derive_chunk, job, chunks)) as derived:
        async for _ in derived:
            done += size
            on_progress("learners", min(done, total), total)


async def build_xp_histogram(shadow: Database) -> None:
    """Build the histogram of XP from the derived XP."""
    async with shadow.write_without_course_lock() as connection:
        await xp_histogram.rebuild(connection, 0)


async def learner_chunks(shadow: Database, learners: int) -> AsyncIterator[LearnerChunk]:
    """Return all learners of the shadow in chunks."""
    after: str | None = ""
    while after is not None:
        async with shadow.read() as connection:
            until = await connection.scalar(select_boundary(after, learners))
            until = until or await connection.scalar(select_last(after))
        if until is not None:
            yield LearnerChunk(after, until)
        after = until
