"""Replaying: rebuild everything that is derived from the log and the course history, while the service runs.

Only one replay runs at a time. The live tables stay as they are until it has succeeded.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from uuid import uuid4

from engine.parking.park import format_traceback
from engine.projecting.context import Context
from engine.replay.fold import ProgressCallback
from engine.replay.full import full_rebuild
from engine.replay.partial import partial_rebuild
from engine.replay.store import SELECT_RUNNING, ReplayReport, ReplayRequest, fail, start, update_interrupted
from engine.verify.learners import classes_of
from eventstore.concurrency import shielded
from eventstore.db.database import Database
from eventstore.db.replay_lock import is_replay_running, replay_lock
from eventstore.errors import AlreadyRunningError
from eventstore.times import Clock

NOTICE_ATTEMPTS = 50
NOTICE_PAUSE_SEC = 0.05


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


async def replay(
    database: Database,
    context: Context,
    clock: Clock,
    request: ReplayRequest,
    on_progress: ProgressCallback = no_progress,
    started: Callable[[str], None] = lambda _: None,
    crew: Executor | None = None,
) -> ReplayReport:
    """Replay. `started` is called with the id. A `crew` of forked processes ends with the replay.

    Raise AlreadyRunningError, with the other's id, if another replay runs; NotFoundError for an unknown course.
    """
    await check(database, request)
    async with replay_lock(database.engine) as alone:
        if not alone:
            raise AlreadyRunningError(await running(database))
        replay_id = str(uuid4())
        try:
            await start(database, replay_id, request, clock())
            started(replay_id)
            if request.is_of_all:
                return await full_rebuild(database, replay_id, context, clock, request, on_progress, crew)
            return await partial_rebuild(database, replay_id, context, clock, request, on_progress)
        except BaseException as error:
            reason = format_traceback(error) if isinstance(error, Exception) else "it was stopped"
            await shielded(fail(database, replay_id, reason, clock()))
            raise


async def check(database: Database, request: ReplayRequest) -> None:
    """Raise NotFoundError for a course that was never published."""
    if request.course_id is not None:
        await classes_of(database, request.course_id)


async def running(database: Database) -> str:
    """Return the id of the running replay. Wait for one that has just started and has no row yet."""
    for _ in range(NOTICE_ATTEMPTS):
        async with database.read() as connection:
            found = (await connection.execute(SELECT_RUNNING)).scalar_one_or_none()
        if found is not None:
            return str(found)
        await asyncio.sleep(NOTICE_PAUSE_SEC)
    return "of an unknown id"


async def mark_interrupted(database: Database, replay_id: str, clock: Clock) -> None:
    """Mark a replay as interrupted if it is shown as running, and its process has ended."""
    if not await is_replay_running(database.engine):
        async with database.write() as connection:
            await connection.execute(update_interrupted(clock(), replay_id))
