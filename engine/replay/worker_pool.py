"""Workers: processes that do pieces of a replay beside each other. A small replay is done without any."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import active_children
from typing import Any, NamedTuple

from engine.projecting.project import SHARDS, Context
from engine.replay.process_pool import spawned
from engine.replay.shadow_tables import open_builder
from eventstore.db.database import Database
from eventstore.errors import LmsError
from signals.course_catalog import CourseCache
from signals.xp import XpValues

Work = Callable[[Database, Any, Context, datetime], Coroutine[Any, Any, Any]]
"""What to do with a piece, in the shadow."""


class Job(NamedTuple):
    """All that a worker has to know, besides the piece."""

    url: str
    shadow: str
    worth: XpValues
    now: datetime


@contextmanager
def workers(number: int, crew: Executor | None, *known: Work) -> Iterator[Executor]:
    """The `crew` that was `forked`; or as many new processes, or for 0 a thread of this one, for the `known` work.

    They end with the block, or with this process.
    """
    pool = ThreadPoolExecutor(1) if not number else crew or spawned(number, known)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise LmsError("expected all workers to go on until the end, found that one was killed") from error
    except BaseException:
        for process in active_children():  # a piece may take long, and nobody wants it any more
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


async def map_unordered(
    pool: Executor, number: int, work: Work, job: Job, pieces: AsyncIterator[Any]
) -> AsyncGenerator[Any, None]:
    """Has the pool do the pieces, twice its `number` at hand at a time. What came of each, as they are done."""
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Future[Any]] = set()
    try:
        async for piece in pieces:
            try:
                under_way.add(loop.run_in_executor(pool, _do_next if number else _do, work, job, piece))
            except OSError as error:  # its pipes are closed, or it was killed as it was started
                raise BrokenProcessPool(str(error)) from error
            if len(under_way) >= 2 * max(1, number):
                done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for future in done:
                    under_way.discard(future)
                    yield future.result()
        for future in asyncio.as_completed(under_way):
            yield await future
    finally:
        for future in under_way:
            future.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


class WorkerState:
    """Where pieces of a job are done: in its shadow, by what is known of courses."""

    def __init__(self, job: Job) -> None:
        self._runner = asyncio.Runner()
        self._shadow = open_builder(job.url, job.shadow)
        self._context = Context(CourseCache(), job.worth, os.getpid() % SHARDS, announces=False)
        self._now = job.now

    def do(self, work: Work, piece: Any) -> Any:
        return self._runner.run(work(self._shadow, piece, self._context, self._now))

    def close(self) -> None:
        self._runner.run(self._shadow.close())
        self._runner.close()


_desks: dict[str, WorkerState] = {}
"""The desk of a process, by the shadow: it opens it once for all its pieces, and ends with the pool."""


def _do_next(work: Work, job: Job, piece: Any) -> Any:
    if job.shadow not in _desks:
        _desks[job.shadow] = WorkerState(job)
    return _desks[job.shadow].do(work, piece)


def _do(work: Work, job: Job, piece: Any) -> Any:
    """The same in a thread, which leaves nothing open."""
    desk = WorkerState(job)
    try:
        return desk.do(work, piece)
    finally:
        desk.close()
