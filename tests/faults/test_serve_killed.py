"""`serve` is killed again and again while clients post and a course is published: what was acknowledged is kept.

SERVE_KILLS=500 kills more often.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import make_url, select

from signals.tables import lms_course_version
from tests.conftest import opened
from tests.faults.balance import balance
from tests.faults.ledger import Ledger
from tests.faults.traffic import CLIENTS, Publisher, clients, granted, posting, until
from tests.support.serving import serving

KILLS = int(os.environ.get("SERVE_KILLS", "50"))
SIDE_BY_SIDE = 2
"""So many servers run on the database at a time. They start and end independently, so that at times one is alone."""

COURSE = "course"
LIFE_SEC = (0.1, 0.6)
PUBLISH_EVERY_SEC = 1
LOOK_EVERY_SEC = 0.1


def test_kills_of_serve_lose_nothing_and_count_nothing_twice(
    new_database: Callable[[], str], report: Callable[[str], None]
) -> None:
    url, seed = new_database(), random.randrange(2**32)
    print(f"seed {seed}")
    ledger, publisher = Ledger(seed), Publisher(COURSE, PUBLISH_EVERY_SEC)
    live: list[str] = []

    with clients(live, *[posting(ledger)] * CLIENTS, publisher), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        lives = [random.Random(seed + number) for number in range(SIDE_BY_SIDE)]
        kills = sum(pool.map(lambda life: kill_repeatedly(url, KILLS // SIDE_BY_SIDE, life, live), lives))

    assert kills == KILLS
    with serving(url, "--dev"):
        until(lambda: asyncio.run(granted(url)), LOOK_EVERY_SEC)
    assert asyncio.run(titles(url)).items() >= publisher.acknowledged.items()
    assert min(ledger.broken_off, len(publisher.acknowledged)) > 0, "the kills hit nothing"
    kind, counts = make_url(url).get_backend_name(), asyncio.run(balance(url, new_database(), ledger))
    report(f"{kind}: serve killed {kills} times, {ledger.broken_off:,} requests broken off: {counts}")


def kill_repeatedly(url: str, times: int, life: random.Random, live: list[str]) -> int:
    """Starts a server and kills it after a random while, so many times. How often it was the kill that ended it."""
    kills = 0
    for _ in range(times):
        with serving(url, "--dev") as server:
            live.append(server.url)
            time.sleep(life.uniform(*LIFE_SEC))
            server.kill()
            live.remove(server.url)
            kills += server.process.returncode == -signal.SIGKILL
    return kills


async def titles(url: str) -> dict[int, str]:
    """The titles of the course's versions."""
    v = lms_course_version.c
    async with opened(url) as database, database.read() as connection:
        rows = await connection.execute(select(v.version, v.title).where(v.course_id == COURSE))
        return {row.version: row.title for row in rows}
