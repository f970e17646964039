"""The tutoring platform over Kafka: learners look at pages, and their exams are graded."""

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncConnection

from integrations.kafka.topics import DEAD_LETTERS, create_topics
from tests.faults.platforms.platform import (
    CLASS_ID,
    LEARNERS,
    MESSAGES,
    PASS_SCORE,
    Json,
    Message,
    Platform,
    expected_results,
    found_results,
)
from tests.support.kafka import KafkaServer, required_kafka

SESSION_SEC = 1
GROUP = "analytics-aggregator"
TOPICS = {"page.view": "analytics-events", "exam.graded": "assessment-events"}
MAPPING = f'[kafka.exam.1]\nclass_id = "{CLASS_ID}"\npass_score = {PASS_SCORE}\n'


class TutoringPlatform(Platform):
    """What is sent again, since Kafka was killed, it may have twice."""

    system = "kafka"
    server: KafkaServer
    chunk = 2_000

    def __init__(self, server: KafkaServer, mapping: Path, chance: random.Random) -> None:
        mapping.write_text(MAPPING)
        self.server = server
        self.settings = {
            "KAFKA_BOOTSTRAP_SERVERS": server.servers,
            "KAFKA_SESSION_SEC": str(SESSION_SEC),
            "LMS_MAPPING_FILE": str(mapping),
        }
        self.messages = [draw(number, chance) for number in range(MESSAGES)]

    def arrive(self, messages: Sequence[Message]) -> bool:
        try:
            asyncio.run(self._send(messages))
        except KafkaError:
            return False
        return True

    async def _send(self, messages: Sequence[Message]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.server.servers, acks="all", request_timeout_ms=2_000)
        try:
            await producer.start()
            await asyncio.gather(*[await producer.send(TOPICS[each.type], body(each)) for each in messages])
        finally:
            await producer.stop()

    def waiting(self) -> int:
        return self.server.lag(GROUP) + self.server.messages(DEAD_LETTERS.name)

    def expected(self) -> Json:
        return expected_results([message for message in self.messages if message.type == "exam.graded"])

    async def found(self, connection: AsyncConnection) -> Json:
        return await found_results(connection)


def draw(number: int, chance: random.Random) -> Message:
    said: Json = {"event_id": str(UUID(int=chance.getrandbits(128), version=4))}
    learner = str(chance.randrange(LEARNERS))
    if number % 4 == 0:
        return Message(number, learner, "page.view", {**said, "page": "/"})
    return Message(number, learner, "exam.graded", {**said, "exam_id": "1", "score": chance.randrange(101)})


def body(message: Message) -> bytes:
    payload = dict(message.said)
    envelope = {
        "event_id": payload.pop("event_id"),
        "event_type": message.type,
        "timestamp": "2026-02-06T10:45:00Z",
        "user_id": message.user_id,
        "payload": payload,
    }
    return json.dumps(envelope).encode()


@contextmanager
def tutoring_platform(mapping: Path) -> Iterator[TutoringPlatform]:
    """It, with a Kafka to be killed. It writes the `mapping` file by which it is understood."""
    with required_kafka() as server:
        asyncio.run(create_topics(server.servers, replicas=1))
        yield TutoringPlatform(server, mapping, random.Random())
