"""A full replay of the database in LMS_DATABASE_URL, timed in its own process: without the start of the interpreter."""

import asyncio
import json
import time

from api.composition import open_engine
from api.settings import load
from engine.replay import replay
from engine.replay_status import ReplayReport, ReplayRequest

WORKERS = 2


async def timed() -> tuple[float, ReplayReport]:
    """The seconds that a replay takes, and its report."""
    async with open_engine(load()) as engine:
        started = time.perf_counter()
        report = await replay(engine.database, engine.context, engine.clock, ReplayRequest(workers=WORKERS))
        return time.perf_counter() - started, report


def main() -> None:
    seconds, report = asyncio.run(timed())
    print(json.dumps({"seconds": seconds, "events": report.events, "rows_differing": report.rows_differing}))


if __name__ == "__main__":
    main()
