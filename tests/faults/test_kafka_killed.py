"""20,000 messages through Kafka, while its consumer and Kafka itself are killed: each takes effect once, none waits."""

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import func, make_url, select

from eventstore.tables import lms_event, lms_inbox, lms_message_daily, lms_progress
from integrations.kafka.topics import create_topics
from tests.api.support import accepted
from tests.conftest import opened
from tests.faults.traffic import until
from tests.support.consuming import consuming
from tests.support.kafka import KafkaServer, required_kafka
from tests.support.serving import command, serving

MESSAGES = 20_000
CHUNK = 100
LEARNERS = 500
KILLS = 10
KAFKA_KILLS = {3, 7}
"""Of these lives of the consumer, the broker shares the end."""

LIFE_SEC = (1.2, 2.5)
PRODUCE_SEC = 20
LOOK_EVERY_SEC = 0.5
GROUP = "analytics-aggregator"

COURSE = {"title": "Algebra", "steps": [{"class_id": "algebra", "title": "Algebra", "quiz_id": "exam"}]}
MAPPING = '[kafka.exam.1]\nclass_id = "algebra"\npass_score = 50\n'

Message = Mapping[str, object]


@pytest.fixture
def kafka() -> Iterator[KafkaServer]:
    """A Kafka of this test's own, to be killed."""
    with required_kafka() as server:
        asyncio.run(create_topics(server.servers, replicas=1))
        yield server


def test_ten_kills_of_the_consumer_and_two_of_kafka_lose_nothing_and_count_nothing_twice(
    new_database: Callable[[], str], kafka: KafkaServer, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    url, chance, killed = new_database(), random.Random(), threading.Event()
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING)
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.servers, "KAFKA_SESSION_SEC": "1", "LMS_MAPPING_FILE": str(mapping)}
    with serving(url, "--dev") as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        accepted(client.put("/v1/courses/algebra", json=COURSE))
    sent = list(messages(chance))

    with ThreadPoolExecutor(1) as pool:
        producing = pool.submit(lambda: asyncio.run(produce(kafka, sent, killed)))
        for life in range(KILLS):
            with consuming("kafka", url, **settings) as consumer:
                time.sleep(chance.uniform(*LIFE_SEC))
                consumer.kill()
            if life in KAFKA_KILLS:
                kafka.kill()
                time.sleep(chance.uniform(*LIFE_SEC))
                kafka.start()
        before = asyncio.run(count(url))
        killed.set()
        with consuming("kafka", url, **settings):
            producing.result()
            until(lambda: kafka.lag(GROUP) == 0, LOOK_EVERY_SEC)

    assert before > 0, "the kills hit nothing"
    asyncio.run(check(url, sent))
    verified = command("verify", LMS_DATABASE_URL=url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    kind = make_url(url).get_backend_name()
    tell(f"{kind}: consumer killed {KILLS} times, kafka twice: {MESSAGES:,} messages, {before:,} amid it, 0 lost")


def messages(chance: random.Random) -> Iterator[Message]:
    """Learners look at pages, and their exams are graded."""
    for number in range(MESSAGES):
        yield {
            "event_id": str(UUID(int=chance.getrandbits(128), version=4)),
            "event_type": "page.view" if number % 4 == 0 else "exam.graded",
            "timestamp": "2026-02-06T10:45:00Z",
            "user_id": str(chance.randrange(LEARNERS)),
            "payload": {"page": "/"} if number % 4 == 0 else {"exam_id": "1", "score": chance.randrange(101)},
        }


async def produce(kafka: KafkaServer, sent: Sequence[Message], killed: threading.Event) -> None:
    """Sends all of them, and again those that the broker was killed before it had said that it has them.

    The last of them when the killing is over, so that it is amid them.
    """
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers, acks="all", request_timeout_ms=2_000)
    await producer.start()
    for start in range(0, MESSAGES, CHUNK):
        while not await arrive(producer, sent[start : start + CHUNK]):
            pass
        await asyncio.sleep(PRODUCE_SEC * CHUNK / MESSAGES)
        if start + 2 * CHUNK == MESSAGES:
            await asyncio.to_thread(killed.wait)
    await producer.stop()


async def arrive(producer: AIOKafkaProducer, chunk: Sequence[Message]) -> bool:
    """Whether all of them have arrived."""
    try:
        await asyncio.gather(*[await producer.send(topic_of(each), json.dumps(each).encode()) for each in chunk])
    except KafkaError:
        await asyncio.sleep(LOOK_EVERY_SEC)
        return False
    return True


def topic_of(message: Message) -> str:
    return "analytics-events" if message["event_type"] == "page.view" else "assessment-events"


async def count(url: str) -> int:
    """How many messages were kept."""
    async with opened(url) as database, database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(lms_inbox))).scalar_one()


async def check(url: str, sent: Sequence[Message]) -> None:
    """Every message is kept and counted once, every grading is one event, and the best score counts."""
    i, e, d, v = lms_inbox.c, lms_event.c, lms_message_daily.c, lms_progress.c
    async with opened(url) as database, database.read() as connection:
        statuses = (await connection.execute(select(i.status, func.count()).group_by(i.status))).all()
        counted = (await connection.execute(select(d.type, func.sum(d.messages)).group_by(d.type))).all()
        results = (await connection.execute(select(func.count(), func.count(e.event_id.distinct())))).one()
        scores = (await connection.execute(select(v.user_id, v.quiz_score))).all()
    gradings = [each for each in sent if each["event_type"] == "exam.graded"]
    best: dict[str, int] = {}
    for each in gradings:
        learner, score = str(each["user_id"]), int(str(dict(each["payload"])["score"]))  # type: ignore[call-overload]
        best[learner] = max(best.get(learner, 0), score)
    assert list(map(tuple, statuses)) == [("done", MESSAGES)]
    assert dict(map(tuple, counted)) == Counter(each["event_type"] for each in sent)
    assert tuple(results) == (len(gradings), len(gradings))
    assert dict(map(tuple, scores)) == best
