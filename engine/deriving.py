"""Deriving: all signals and all XP of a shadow whose progress is there, by the workers, with word of how far."""

from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import aclosing

from sqlalchemy import Select, func, select

from engine.filling import Watch
from engine.rederive import LearnersPiece, rederive
from engine.workers import Job, work_off
from eventstore.database import Database
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


async def derive_learners(pool: Executor, number: int, job: Job, shadow: Database, watch: Watch) -> None:
    """Derives the signals and the XP of all learners in the shadow, but for the histogram."""
    async with shadow.read() as connection:
        total = (await connection.execute(COUNT_LEARNERS)).scalar_one()
    done = 0
    pieces = learner_pieces(shadow, PIECE_LEARNERS)
    async with aclosing(work_off(pool, number, rederive, job, pieces)) as derived:
        async for _ in derived:
            done += PIECE_LEARNERS
            watch("learners", min(done, total), total)


async def count_places(shadow: Database) -> None:
    """Counts what was derived into the histogram of XP."""
    async with shadow.write_apart() as connection:
        await xp_histogram.recount(connection, 0)


async def learner_pieces(shadow: Database, learners: int) -> AsyncIterator[LearnersPiece]:
    """All learners in the shadow, by so many at a time."""
    after: str | None = ""
    while after is not None:
        async with shadow.read() as connection:
            until = await connection.scalar(select_boundary(after, learners))
            until = until or await connection.scalar(select_last(after))
        if until is not None:
            yield LearnersPiece(after, until)
        after = until
