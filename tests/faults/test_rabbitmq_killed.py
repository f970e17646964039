"""20,000 messages through RabbitMQ, while its consumer and the broker are killed: each takes effect once, all do.

On SQLite alone: what the databases do differently, the same test of Redis meets.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import func, select

from eventstore.tables import lms_enrolment, lms_inbox, lms_message_daily, lms_profile
from integrations.contracts.rabbitmq import EXCHANGE
from integrations.rabbitmq.connection import BROKEN
from integrations.rabbitmq.source import RabbitmqSource
from integrations.rabbitmq.topology import DEAD_LETTERS, DELAYS_SEC, QUEUE, waiting
from tests.api.support import accepted
from tests.conftest import opened
from tests.faults.traffic import until
from tests.support.consuming import consuming
from tests.support.rabbitmq import RabbitmqServer, required_rabbitmq
from tests.support.serving import command, serving

MESSAGES = 20_000
CHUNK = 200
LEARNERS = 500
KILLS = 10
BROKER_KILLS = {3, 7}
"""In these lives of the consumer, the broker dies first."""

LIFE_SEC = (0.1, 1.0)
LOOK_EVERY_SEC = 0.5
QUEUES = (QUEUE, DEAD_LETTERS, *map(waiting, DELAYS_SEC))

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
COURSE = {"title": "Algebra", "steps": [{"class_id": "algebra", "title": "Algebra", "quiz_id": "exam"}]}


class Event(NamedTuple):
    """The message with that number: a learner is named, and named anew, or has bought the course."""

    number: int
    user_id: str

    @property
    def type(self) -> str:
        return "order.completed" if self.number % 2 else "user.created"

    @property
    def said_at(self) -> datetime:
        return BEGIN + timedelta(seconds=self.number)

    @property
    def body(self) -> bytes:
        ordered = {"orderId": str(self.number), "courseIds": ["algebra"], "completedAt": self.said_at.isoformat()}
        said = ordered if self.number % 2 else {"firstName": f"name {self.number}"}
        envelope = {
            "eventId": f"event {self.number}",
            "eventType": self.type,
            "timestamp": self.said_at.isoformat(),
            "version": "1.0",
            "source": "payment-service",
            "data": {"userId": self.user_id} | said,
        }
        return json.dumps(envelope).encode()


@pytest.fixture
def rabbitmq() -> Iterator[RabbitmqServer]:
    """A RabbitMQ of this test's own, to be killed."""
    with required_rabbitmq() as server:
        yield server


def test_ten_kills_of_the_consumer_and_two_of_the_broker_lose_nothing_and_count_nothing_twice(
    new_sqlite: Callable[[], str], rabbitmq: RabbitmqServer, tell: Callable[[str], None]
) -> None:
    url, chance = new_sqlite(), random.Random()
    events = [Event(number, f"learner {chance.randrange(LEARNERS)}") for number in range(MESSAGES)]
    with serving(url, "--dev") as server:
        accepted(server.client.put("/v1/courses/algebra", json=COURSE))
    asyncio.run(make_queue(rabbitmq))

    hits = 0
    *lives, last = split(events, KILLS + 1)
    for number, share in enumerate(lives):
        first, second = split(share, 2) if number in BROKER_KILLS else (share, [])
        with ThreadPoolExecutor(1) as pool, consuming("rabbitmq", url, LMS_RABBITMQ_URL=rabbitmq.url) as consumer:
            publishing = pool.submit(publish, rabbitmq, first)
            time.sleep(chance.uniform(*LIFE_SEC))
            if second:
                restart(rabbitmq)
                publish(rabbitmq, second)
                await_kept(url, second[-1].number + 1)
            consumer.kill()
            hits += rabbitmq.count([QUEUE])[QUEUE] > 0
            publishing.result()
    with consuming("rabbitmq", url, LMS_RABBITMQ_URL=rabbitmq.url):
        publish(rabbitmq, last)
        await_kept(url, MESSAGES)
        until(lambda: rabbitmq.count([QUEUE])[QUEUE] == 0, LOOK_EVERY_SEC)

    assert hits > 0, "the kills hit nothing"
    assert rabbitmq.count(QUEUES) == dict.fromkeys(QUEUES, 0)
    asyncio.run(check(url, events))
    verified = command("verify", LMS_DATABASE_URL=url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    tell(
        f"rabbitmq: consumer killed {KILLS} times, {hits} while messages waited, the broker twice: "
        f"{MESSAGES:,} messages, 0 lost, 0 counted twice"
    )


async def make_queue(rabbitmq: RabbitmqServer) -> None:
    """As any consumer does when it starts: what is published before, the platform has nobody for."""
    async with RabbitmqSource(rabbitmq.url):
        pass


def split(events: Sequence[Event], parts: int) -> list[Sequence[Event]]:
    """As many parts, one after the other."""
    size = -(-len(events) // parts)
    return [events[start : start + size] for start in range(0, len(events), size)]


def publish(rabbitmq: RabbitmqServer, events: Sequence[Event]) -> None:
    """Publishes all, as the platform does: what the broker did not confirm, again."""
    for chunk in split(events, -(-len(events) // CHUNK)):
        while not try_to_publish(rabbitmq, chunk):
            time.sleep(LOOK_EVERY_SEC)


def try_to_publish(rabbitmq: RabbitmqServer, events: Sequence[Event]) -> bool:
    """Whether the broker has them all: it may be away."""
    try:
        rabbitmq.publish(EXCHANGE, [(event.type, event.body) for event in events])
    except BROKEN:
        return False
    return True


def restart(rabbitmq: RabbitmqServer) -> None:
    """kill -9 and a start; the consumer has to find it again by itself."""
    rabbitmq.kill()
    rabbitmq.start()


def await_kept(url: str, number: int) -> None:
    """Waits until so many messages were counted."""
    until(lambda: asyncio.run(kept(url)) >= number, LOOK_EVERY_SEC)


async def kept(url: str) -> int:
    """How many messages were counted."""
    async with opened(url) as database, database.read() as connection:
        return await connection.scalar(select(func.sum(lms_message_daily.c.messages))) or 0


async def check(url: str, events: Sequence[Event]) -> None:
    """Each message is kept and counted once, and what all of them tell is what is known."""
    i, p, e = lms_inbox.c, lms_profile.c, lms_enrolment.c
    async with opened(url) as database, database.read() as connection:
        messages = {row.message_id: row.status for row in await connection.execute(select(i.message_id, i.status))}
        names = {row.user_id: row.value for row in await connection.execute(select(p.user_id, p.value))}
        enrolled = {row.user_id: row.enrolled_at for row in await connection.execute(select(e.user_id, e.enrolled_at))}
    assert messages == {f"event {event.number}": "done" for event in events}
    assert await kept(url) == MESSAGES
    orders = [event for event in events if event.type == "order.completed"]
    namings = [event for event in events if event.type == "user.created"]
    assert names == {event.user_id: f"name {event.number}" for event in namings}
    assert enrolled == {event.user_id: event.said_at for event in reversed(orders)}
