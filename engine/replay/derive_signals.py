"""Deriving: all signals and all XP of a shadow whose progress is there, by the workers, with word of how far."""

from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import aclosing

from sqlalchemy import Select, func, select

from engine.replay.derive_learners import LearnerChunk, rederive
from engine.replay.fold import ProgressCallback
from engine.replay.worker_pool import Job, map_unordered
from eventstore.db.database import Database
from eventstore.tables import lms_learner
from views import xp_histogram

PIECE_LEARNERS = 500

_l = lms_learner.c

COUNT_LEARNERS = select(func.count()).select_from(lms_learner)
"""How many learners there are, to tell how far along them something is."""


def select_boundary(after: str, learners: int) -> Select[str]:
    """The last of the next so many learners `after` that one, if there are so many of them."""
    return select(_l.user_id).where(_l.user_id > after).order_by(_l.user_id).offset(learners - 1).limit(1)


def select_last(after: str) -> Select[str]:
    """The last learner of all, if there are any `after` that one."""
    return select(_l.user_id).where(_l.user_id > after).order_by(_l.user_id.desc()).limit(1)


async def derive_learners(pool: Executor, number: int, job: Job, shadow: Database, watch: ProgressCallback) -> None:
    """Derives the signals and the XP of all learners in the shadow, but for the histogram."""
    async with shadow.read() as connection:
        total = (await connection.execute(COUNT_LEARNERS)).scalar_one()
    done = 0
    pieces = learner_chunks(shadow, PIECE_LEARNERS)
    async with aclosing(map_unordered(pool, number, rederive, job, pieces)) as derived:
        async for _ in derived:
            done += PIECE_LEARNERS
            watch("learners", min(done, total), total)


async def build_xp_histogram(shadow: Database) -> None:
    """Counts what was derived into the histogram of XP."""
    async with shadow.write_without_course_lock() as connection:
        await xp_histogram.rebuild(connection, 0)


async def learner_chunks(shadow: Database, learners: int) -> AsyncIterator[LearnerChunk]:
    """All learners in the shadow, by so many at a time."""
    after: str | None = ""
    while after is not None:
        async with shadow.read() as connection:
            until = await connection.scalar(select_boundary(after, learners))
            until = until or await connection.scalar(select_last(after))
        if until is not None:
            yield LearnerChunk(after, until)
        after = until
