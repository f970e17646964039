"""A replay in a process of its own, so that a server's requests are not slowed down.

The process reads a JSON object from stdin, and answers with one line: the replay has started, or why it has not.
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

from engine.projecting.context import SHARDS, Context
from engine.replay.process_pool import forked
from engine.replay.run import replay
from engine.replay.store import ReplayRequest
from eventstore.db.database import Database
from eventstore.errors import AlreadyRunningError, LmsError, UnavailableError
from eventstore.times import system_clock
from signals.course_catalog import CourseCache
from signals.xp import XpValues

START_TIMEOUT_SEC = 10


class ReplayProcesses:
    """Starts replays of one database."""

    def __init__(self, url: str, xp_values: XpValues) -> None:
        self._url = url
        self._xp_values = xp_values
        self._processes: set[Process] = set()

    async def start(self, request: ReplayRequest) -> str:
        """Start a replay and return its id. Raise AlreadyRunningError if another replay runs.

        Raise UnavailableError with the reason if it did not start.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "engine.replay.process", stdin=PIPE, stdout=PIPE
        )
        self._processes = {running for running in self._processes if running.returncode is None} | {process}
        orders = {"url": self._url, "xp_values": dict(self._xp_values), "request": request._asdict()}
        stdin, stdout = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
        stdin.write(json.dumps(orders).encode())
        stdin.close()
        answer = json.loads(await stdout.readline() or "{}")
        if "started" in answer:
            return str(answer["started"])
        if "running" in answer:
            raise AlreadyRunningError(answer["running"])
        raise UnavailableError(answer.get("failed", "the process of the replay ended at once"))

    async def stop(self) -> None:
        """Stop running replays as Ctrl-C does. The live tables stay as they were."""
        running = [process for process in self._processes if process.returncode is None]
        for process in running:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in running))


@asynccontextmanager
async def replay_processes(url: str, xp_values: XpValues) -> AsyncIterator[ReplayProcesses]:
    """Open ReplayProcesses; running replays end with the block."""
    processes = ReplayProcesses(url, xp_values)
    try:
        yield processes
    finally:
        await processes.stop()


def run(orders: Mapping[str, Any]) -> None:
    """Run the process. It forks its workers before it opens anything."""
    request = ReplayRequest(**orders["request"])
    with forked(request.workers if request.is_of_all else 0, orders["url"]) as crew:
        asyncio.run(replay_for(orders["url"], orders["xp_values"], request, crew))


async def replay_for(url: str, xp_values: XpValues, request: ReplayRequest, crew: Executor | None) -> None:
    """Replay, and answer the server."""
    database = Database(url)
    try:
        context = Context(CourseCache(), xp_values, os.getpid() % SHARDS)
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
    # A server that a script starts in the background ignores SIGINT, and this process would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with suppress(KeyboardInterrupt):
        run(json.load(sys.stdin))
