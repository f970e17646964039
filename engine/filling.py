"""Filling a shadow: all pieces of the log, then all pieces of the learners, by the workers, with word of how far."""

import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import aclosing

from sqlalchemy import Select, func, select

from engine.refold import LearnersPiece, LogPiece, rederive, refold
from engine.replay_status import advance
from engine.workers import Job, work_off
from eventstore.database import Database
from eventstore.tables import lms_learner
from views import whole

PIECE_SEQS = 20_000
PIECE_LEARNERS = 200
NOTE_EVERY_SEC = 1.0

Watch = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much of it is."""

_l = lms_learner.c

COUNT_LEARNERS = select(func.count()).select_from(lms_learner)
"""How many learners there are, to tell how far along them something is."""


def select_boundary(after: str) -> Select[str]:
    """The last of the next learners `after` that one, if there are so many of them."""
    return select(_l.user_id).where(_l.user_id > after).order_by(_l.user_id).offset(PIECE_LEARNERS - 1).limit(1)


def select_last(after: str) -> Select[str]:
    """The last learner of all, if there are any `after` that one."""
    return select(_l.user_id).where(_l.user_id > after).order_by(_l.user_id.desc()).limit(1)


async def fold_log(
    pool: Executor, number: int, job: Job, database: Database, replay_id: str, until: int, watch: Watch
) -> int:
    """Folds the log up to the seq `until`. How many events that were."""
    async with database.read() as connection:
        total = await whole.count(connection, whole.EVENTS)
    done, noted_at = 0, time.monotonic()
    async with aclosing(work_off(pool, number, refold, job, log_pieces(until))) as folded:
        async for events in folded:
            done += events
            watch("events", done, max(done, total))
            if time.monotonic() - noted_at > NOTE_EVERY_SEC:
                await advance(database, replay_id, done, max(done, total))
                noted_at = time.monotonic()
    return done


async def log_pieces(until: int) -> AsyncIterator[LogPiece]:
    for after in range(0, until, PIECE_SEQS):
        yield LogPiece(after, min(after + PIECE_SEQS, until))


async def derive_learners(pool: Executor, number: int, job: Job, shadow: Database, watch: Watch) -> None:
    """Derives the signals and the XP of all learners in the shadow."""
    async with shadow.read() as connection:
        total = (await connection.execute(COUNT_LEARNERS)).scalar_one()
    done = 0
    async with aclosing(work_off(pool, number, rederive, job, learner_pieces(shadow))) as derived:
        async for _ in derived:
            done += PIECE_LEARNERS
            watch("learners", min(done, total), total)


async def learner_pieces(shadow: Database) -> AsyncIterator[LearnersPiece]:
    """All learners in the shadow, by so many at a time."""
    after: str | None = ""
    while after is not None:
        async with shadow.read() as connection:
            until = await connection.scalar(select_boundary(after)) or await connection.scalar(select_last(after))
        if until is not None:
            yield LearnersPiece(after, until)
        after = until
