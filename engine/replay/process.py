"""A replay in a process of its own, for a server: its requests go on as if there were none.

It is started with its orders as JSON on stdin, and answers with a line: that it runs, or why it does not.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from engine.projecting.project import SHARDS, Context
from engine.replay.process_pool import forked
from engine.replay.run import replay
from engine.replay.store import ReplayRequest
from eventstore.db.database import Database
from eventstore.errors import AlreadyRunningError, LmsError, UnavailableError
from eventstore.times import system_clock
from signals.course_catalog import CourseCache
from signals.xp import XpValues

PATIENCE_SEC = 10


class ReplayProcesses:
    """Starts replays of one database."""

    def __init__(self, url: str, worth: XpValues) -> None:
        self._url = url
        self._worth = worth
        self._processes: set[Process] = set()

    async def start(self, request: ReplayRequest) -> str:
        """The id of the replay, which runs by then. Raises AlreadyRunning if another one does.

        Raises Unavailable, with the reason, if it did not start.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "engine.replay.process", stdin=PIPE, stdout=PIPE
        )
        self._processes = {running for running in self._processes if running.returncode is None} | {process}
        orders = {"url": self._url, "worth": dict(self._worth), "request": request._asdict()}
        stdin, stdout = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
        stdin.write(json.dumps(orders).encode())
        stdin.close()
        answer = json.loads(await stdout.readline() or "{}")
        if "started" in answer:
            return str(answer["started"])
        if "running" in answer:
            raise AlreadyRunningError(answer["running"])
        raise UnavailableError(answer.get("failed", "expected a replay to start, found that its process ended at once"))

    async def stop(self) -> None:
        """Stops what runs, as Ctrl-C does: the live tables stay as they were."""
        running = [process for process in self._processes if process.returncode is None]
        for process in running:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in running))


@asynccontextmanager
async def replay_processes(url: str, worth: XpValues) -> AsyncIterator[ReplayProcesses]:
    """They end with the block."""
    processes = ReplayProcesses(url, worth)
    try:
        yield processes
    finally:
        await processes.stop()


def run(orders: Mapping[str, Any]) -> None:
    """The process itself, which forks before it opens anything."""
    request = ReplayRequest(**orders["request"])
    with forked(request.workers if request.is_of_all else 0, orders["url"]) as crew:
        asyncio.run(replay_for(orders["url"], orders["worth"], request, crew))


async def replay_for(url: str, worth: XpValues, request: ReplayRequest, crew: Executor | None) -> None:
    """Replays, and answers the server."""
    database = Database(url)
    try:
        context = Context(CourseCache(), worth, os.getpid() % SHARDS)
        await replay(database, context, system_clock, request, started=lambda id_: answer(started=id_), crew=crew)
    except AlreadyRunningError as error:
        answer(running=error.replay_id)
    except LmsError as error:
        answer(failed=str(error))
    finally:
        await database.close()


def answer(**said: str) -> None:
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a server that a script runs behind it ignores it
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with suppress(KeyboardInterrupt):
        run(json.load(sys.stdin))
