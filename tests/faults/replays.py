"""Replays as commands, of so many events that several processes replay them."""

import asyncio
from collections.abc import Mapping

from sqlalchemy import select

from engine.limits import DEFAULT_LIMITS
from engine.tables import ReplayStatus, lms_replay
from tests.conftest import opened
from tests.support.processes import command

MANY = DEFAULT_LIMITS.python_fold_seqs + 1_000
"""So many events are replayed by several processes."""


def replay(url: str, settings: Mapping[str, str]) -> float:
    """Replays, undisturbed. How many seconds it was at work."""
    done = command("replay", LMS_DATABASE_URL=url, **settings)
    assert done.returncode == 0, done.stderr
    return asyncio.run(last_took_sec(url))


async def last_took_sec(url: str) -> float:
    """How long the last replay took that finished, from its beginning to its end."""
    r = lms_replay.c
    async with opened(url) as database, database.read() as connection:
        query = select(r.started_at, r.finished_at).where(r.status == ReplayStatus.FINISHED)
        started_at, finished_at = (await connection.execute(query.order_by(r.started_at.desc()).limit(1))).one()
        return float((finished_at - started_at).total_seconds())
