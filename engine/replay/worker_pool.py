"""The worker pool of a replay: processes that work on chunks in parallel. A small replay uses one thread instead."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import active_children
from typing import Any, NamedTuple

from engine.limits import Limits
from engine.projecting.context import SHARDS, Context
from engine.replay.process_pool import spawned
from engine.replay.shadow_tables import open_builder
from eventstore.db.database import Database
from eventstore.errors import LmsError
from projections.rule import Rule
from projections.rules import RULES
from signals.course_catalog import CourseCache
from signals.xp import XpValues

Work = Callable[[Database, Any, Context, datetime], Coroutine[Any, Any, Any]]
"""The work on one chunk, in the shadow."""


class WorkerJob(NamedTuple):
    """The parameters of a worker, besides the chunk."""

    url: str
    shadow: str
    xp_values: XpValues
    now: datetime
    limits: Limits
    rules: Sequence[Rule] = RULES


@contextmanager
def workers(number: int, crew: Executor | None, *known: Work) -> Iterator[Executor]:
    """Open a pool: the forked `crew`, else `number` new processes, else (0) one thread.

    New processes import the modules of the functions in `known` at start. All end with the block.
    """
    pool = ThreadPoolExecutor(1) if not number else crew or spawned(number, known)
    try:
        yield pool
    except BrokenProcessPool as error:
        raise LmsError("a worker process was killed") from error
    except BaseException:
        for process in active_children():  # a chunk may take long, and its result is not needed
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


async def map_unordered(
    pool: Executor, number: int, work: Work, job: WorkerJob, chunks: AsyncIterator[Any]
) -> AsyncGenerator[Any, None]:
    """Run the work on all chunks, at most two a worker at a time. Return the results as they come."""
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Future[Any]] = set()
    try:
        async for chunk in chunks:
            try:
                under_way.add(loop.run_in_executor(pool, _do_next if number else _do, work, job, chunk))
            except OSError as error:  # its pipes are closed, or it was killed at its start
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
    """The state of a worker: its event loop, its connections to the shadow, and its cache of courses."""

    def __init__(self, job: WorkerJob) -> None:
        self._runner = asyncio.Runner()
        self._shadow = open_builder(job.url, job.shadow)
        self._context = Context(
            CourseCache(), job.xp_values, os.getpid() % SHARDS, announces=False, limits=job.limits, rules=job.rules
        )
        self._now = job.now

    def do(self, work: Work, chunk: Any) -> Any:
        return self._runner.run(work(self._shadow, chunk, self._context, self._now))

    def close(self) -> None:
        self._runner.run(self._shadow.close())
        self._runner.close()


_states: dict[str, WorkerState] = {}
"""The state of this process by shadow, opened once for all chunks; it ends with the pool."""


def _do_next(work: Work, job: WorkerJob, chunk: Any) -> Any:
    if job.shadow not in _states:
        _states[job.shadow] = WorkerState(job)
    return _states[job.shadow].do(work, chunk)


def _do(work: Work, job: WorkerJob, chunk: Any) -> Any:
    """Work on one chunk in a thread, which leaves nothing open."""
    state = WorkerState(job)
    try:
        return state.do(work, chunk)
    finally:
        state.close()
