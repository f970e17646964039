"""20,000 messages through each broker, while its consumer and the broker are killed: each takes effect once, all do."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select

from engine.engine import Engine
from integrations.tables import lms_inbox
from projections.tables import lms_message_daily
from signals.course import Step
from tests.conftest import opened
from tests.faults.platforms.kafka import tutoring_platform
from tests.faults.platforms.platform import CLASS_ID, MESSAGES, QUIZ_ID, Message, Platform
from tests.faults.platforms.rabbitmq import course_platform
from tests.faults.platforms.redis import exam_system
from tests.faults.traffic import until
from tests.support.private_server import PrivateServer
from tests.support.processes import command, consuming

KILLS = 10
BROKER_DIES_FIRST = 3
"""In this life of the consumer, which has to find the broker again by itself."""

BROKER_DIES_TOO = 7
"""When this life of the consumer ends."""

AWAY_SEC = 1.0
LOOK_EVERY_SEC = 0.5
SOON_SEC = 0.01
"""How often to look for the moment of a kill: while there is still something to be consumed."""

PLATFORMS: Mapping[str, Callable[[Path], AbstractContextManager[Platform]]] = {
    "kafka": tutoring_platform,
    "rabbitmq": course_platform,
    "redis": exam_system,
}
CASES = list(product(PLATFORMS, ("sqlite", "postgresql")))


@pytest.fixture
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """The platform of that broker, with one of this test's own."""
    with PLATFORMS[request.param](tmp_path / "mapping.toml") as made:
        yield made


@pytest.mark.parametrize(("platform", "new_database"), CASES, indirect=True)
def test_ten_kills_of_the_consumer_and_two_of_its_broker_lose_nothing_and_count_nothing_twice(
    platform: Platform, new_database: Callable[[], str], report: Callable[[str], None]
) -> None:
    url, moments, hits = new_database(), random.Random(), 0
    asyncio.run(publish(url))

    *lives, last = split(platform.messages, KILLS + 1)
    for life, share in enumerate(lives):
        first, second = split(share, 2) if life == BROKER_DIES_FIRST else (share, [])
        with ThreadPoolExecutor(1) as pool, consuming(platform.system, url, **platform.settings) as consumer:
            moment = asyncio.run(kept(url)) + moments.randrange(len(first) // 2)
            sending = pool.submit(platform.send, first)
            await_kept(url, moment, SOON_SEC)
            if second:
                restart(platform.server)
                sending.result()
                platform.send(second)
                await_kept(url, second[-1].number + 1)
            hits += platform.waiting() > 0
            consumer.kill()
            if life == BROKER_DIES_TOO:
                restart(platform.server)
            sending.result()
    with consuming(platform.system, url, **platform.settings):
        platform.send(last)
        await_kept(url, MESSAGES)
        until(lambda: platform.waiting() == 0, LOOK_EVERY_SEC)

    assert hits > 0, "the kills hit nothing"
    assert platform.waiting() == 0, "the consumer had some in hand"
    asyncio.run(check(url, platform))
    verified = command("verify", LMS_DATABASE_URL=url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    report(
        f"{platform.system}, {make_url(url).get_backend_name()}: consumer killed {KILLS} times, {hits} while messages "
        f"waited, the broker twice: {MESSAGES:,} messages, 0 lost, 0 counted twice"
    )


async def publish(url: str) -> None:
    """Publishes the course in which the results count."""
    async with opened(url) as database, Engine(database) as engine:
        await engine.publish(CLASS_ID, "Algebra", (Step(CLASS_ID, "Algebra", quiz_id=QUIZ_ID),))


def split(messages: Sequence[Message], parts: int) -> list[Sequence[Message]]:
    """As many parts, one after the other."""
    size = -(-len(messages) // parts)
    return [messages[start : start + size] for start in range(0, len(messages), size)]


def restart(broker: PrivateServer) -> None:
    """kill -9, and a start after a while."""
    broker.kill()
    time.sleep(AWAY_SEC)
    broker.start()


def await_kept(url: str, number: int, look_every_sec: float = LOOK_EVERY_SEC) -> None:
    """Waits until so many messages were counted."""
    until(lambda: asyncio.run(kept(url)) >= number, look_every_sec)


async def kept(url: str) -> int:
    """How many messages were counted."""
    async with opened(url) as database, database.read() as connection:
        return await connection.scalar(select(func.sum(lms_message_daily.c.messages))) or 0


async def check(url: str, platform: Platform) -> None:
    """Every message is kept and counted once, and what all of them tell is what is known."""
    i, d = lms_inbox.c, lms_message_daily.c
    async with opened(url) as database, database.read() as connection:
        statuses = await connection.execute(select(i.status, func.count()).group_by(i.status))
        assert list(map(tuple, statuses)) == [("done", MESSAGES)]
        counted = await connection.execute(select(d.type, func.sum(d.messages)).group_by(d.type))
        assert dict(map(tuple, counted)) == Counter(message.type for message in platform.messages)
        assert await platform.found(connection) == platform.expected()
