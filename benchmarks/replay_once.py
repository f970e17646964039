"""A full replay of the database in LMS_DATABASE_URL, timed in its own process: without the start of the interpreter.

It forks its processes as the command does, and that is part of the time.
"""

import asyncio
import json
import time
from concurrent.futures import Executor

from bootstrap.composition import open_engine
from bootstrap.settings import Settings, load
from engine.replay.process_pool import forked
from engine.replay.run import replay
from engine.replay.store import ReplayReport, ReplayRequest

WORKERS = 2


def timed(settings: Settings) -> tuple[float, ReplayReport]:
    """The seconds that a replay takes, and its report."""
    started = time.perf_counter()
    with forked(WORKERS, settings.database_url) as crew:
        forking = time.perf_counter() - started
        seconds, report = asyncio.run(run(crew, settings))
    return forking + seconds, report


async def run(crew: Executor | None, settings: Settings) -> tuple[float, ReplayReport]:
    async with open_engine(settings) as engine:
        started = time.perf_counter()
        report = await replay(engine.database, engine.context, engine.clock, ReplayRequest(workers=WORKERS), crew=crew)
        return time.perf_counter() - started, report


def main() -> None:
    seconds, report = timed(load())
    print(json.dumps({"seconds": seconds, "events": report.events, "rows_differing": report.rows_differing}))


if __name__ == "__main__":
    main()
