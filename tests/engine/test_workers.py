"""Workers: what one has opened for a piece serves its next ones; a thread leaves nothing open."""

import os
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from engine.limits import DEFAULT_LIMITS
from engine.projecting.context import Context
from engine.replay.worker_pool import WorkerJob, map_unordered, workers
from eventstore.db.database import Database
from tests.engine.support import at

PIECES = 3


@pytest.mark.slow
@pytest.mark.parametrize(("number", "opened"), [(0, PIECES), (1, 1)])
async def test_a_process_opens_the_shadow_once(number: int, opened: int) -> None:
    job = WorkerJob("sqlite:///any", "shadow", {}, at(0), DEFAULT_LIMITS)
    with workers(number, None, which) as pool:
        done = [done async for done in map_unordered(pool, number, which, job, pieces())]

    assert len(done) == PIECES
    assert len({shadow for _, shadow in done}) == opened
    assert {process == os.getpid() for process, _ in done} == {number == 0}


async def pieces() -> AsyncIterator[int]:
    for number in range(PIECES):
        yield number


kept: list[Database] = []


async def which(shadow: Database, _piece: int, _context: Context, _now: datetime) -> tuple[int, int]:
    """By which process, and in which of the shadows that it has opened, each told from the others as all are kept."""
    kept.append(shadow)
    return os.getpid(), id(shadow)
