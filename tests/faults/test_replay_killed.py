"""`replay` is killed again and again: what is shown is what was there before it, or all that it builds; no mixture.

Servers go on meanwhile: nobody is refused anything, and nothing acknowledged is lost.
REPLAY_KILLS=100 kills more often.
"""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from sqlalchemy import make_url, select

from engine.engine import Engine
from engine.tables import ReplayStatus, lms_replay
from eventstore.envelope import validate
from signals.course import Step
from signals.xp import DEFAULT_XP_VALUES
from tests.conftest import opened
from tests.faults.balance import balance, everything, feed_once, read_log
from tests.faults.ledger import CLASSES, Ledger
from tests.faults.replays import MANY, replay
from tests.faults.traffic import CLIENTS, READINGS, Publisher, Work, clients, never_refused, posting, reading, until
from tests.support import processes
from tests.support.looking import looking
from tests.support.processes import end, environment_of
from tests.support.serving import serving

KILLS = int(os.environ.get("REPLAY_KILLS", "10"))
"""In each of the two tests."""

ATTEMPTS = 10
"""To kill a replay before it ends."""


FEW = 1_000
"""So many are recorded before the first replay, and more all the while."""

PUBLISH_EVERY_SEC = 1
LOOK_EVERY_SEC = 0.1
REPLAYS = "SELECT count(*) FROM lms_replay"

DOUBLED = {kind: 2 * xp for kind, xp in DEFAULT_XP_VALUES.items()}

NewDatabase = Callable[[], str]
Tables = dict[str, list[tuple[Any, ...]]]
Settings = Mapping[str, str]


@pytest.fixture
def moments() -> random.Random:
    """What the moments of the kills are drawn from; its seed is shown if the test fails."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


def test_a_replay_that_is_killed_changes_all_or_nothing(
    new_database: NewDatabase, moments: random.Random, report: Callable[[str], None]
) -> None:
    url = new_database()
    asyncio.run(fill(url, MANY))
    plain, doubled = asyncio.run(read(url)), asyncio.run(fed_with_doubled_xp(url, new_database()))
    double = {f"LMS_XP_{kind}": str(xp) for kind, xp in DOUBLED.items()}
    longest = replay(url, {})

    shown = plain
    for _ in range(KILLS):
        wanted, settings = (plain, {}) if shown == doubled else (doubled, double)
        kill_replay(url, moments, longest, settings)
        found = asyncio.run(read(url))
        assert found in (shown, wanted)
        shown = found

    replay(url, double)
    assert asyncio.run(read(url)) == doubled
    replay(url, {})
    assert asyncio.run(read(url)) == plain
    report(f"{make_url(url).get_backend_name()}: replay of {MANY:,} events killed {KILLS} times, 0 mixtures shown")


def test_a_replay_that_is_killed_amid_posting_costs_nobody_anything(
    new_database: NewDatabase, moments: random.Random, report: Callable[[str], None]
) -> None:
    url, ledger, publisher = new_database(), Ledger(seed=1), Publisher("course", PUBLISH_EVERY_SEC)
    works: list[Work] = [*[posting(ledger)] * CLIENTS, publisher, *map(reading, READINGS)]
    with serving(url, "--dev") as server, clients([server.url], *map(never_refused, works)):
        until(lambda: len(ledger.acknowledged) >= FEW)
        longest = replay(url, {})
        for _ in range(KILLS):
            kill_replay(url, moments, longest, {})
        replay(url, {})

    assert set(asyncio.run(statuses(url))) == {ReplayStatus.FINISHED, ReplayStatus.INTERRUPTED}
    counts = asyncio.run(balance(url, new_database(), ledger))
    report(f"{make_url(url).get_backend_name()}: replay killed {KILLS} times amid posting: {counts}")


async def fill(url: str, number: int) -> None:
    """Publishes a course, and records so many events at least."""
    ledger = Ledger(seed=1)
    async with opened(url) as database, Engine(database) as engine:
        await engine.publish("course", "Course", tuple(Step(name, name, "v", "q") for name in CLASSES[:2]))
        while len(ledger.sent) < number:
            now = datetime.now(UTC)
            drawn = [event for _ in range(100) for event in ledger.draw().events]
            await engine.ingest.submit([validate(event, now, "test") for event in drawn])


async def read(url: str) -> Tables:
    async with opened(url) as database:
        return await everything(database)


async def fed_with_doubled_xp(url: str, fresh_url: str) -> Tables:
    """What a fresh database derives of the same events where signals are worth the double."""
    async with opened(url) as database, opened(fresh_url) as fresh:
        await feed_once(database, fresh, await read_log(database), DOUBLED)
        return await everything(fresh)


def kill_replay(url: str, moments: random.Random, longest: float, settings: Settings) -> None:
    """Starts replays and kills them at random moments of their work, until one has ended by that."""
    assert any(killed(url, moments.uniform(0, longest), settings) for _ in range(ATTEMPTS)), "they all ended before"


def killed(url: str, after_sec: float, settings: Settings) -> bool:
    """Kills a replay so long after it has begun. Whether that is what ended it."""
    with looking(url) as look:
        before = look(REPLAYS)
        process = processes.start(["replay"], environment_of(LMS_DATABASE_URL=url, **settings), Path(os.devnull))
        try:
            until(lambda: process.poll() is not None or look(REPLAYS) != before, LOOK_EVERY_SEC)
            sleep(after_sec)
        finally:
            end(process)
    return process.returncode == -signal.SIGKILL


async def statuses(url: str) -> list[str]:
    """Those of all replays."""
    async with opened(url) as database, database.read() as connection:
        return list(await connection.scalars(select(lms_replay.c.status)))
