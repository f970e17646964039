"""Kafka as a source, on a real broker: a group commits what is done with, and nothing past it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError

from eventstore.errors import UnavailableError
from eventstore.times import to_text
from integrations.inbound.source import ATTEMPTS, BATCH, Delivery
from integrations.kafka.client import Group, translated
from integrations.kafka.source import KafkaSource, instant
from integrations.kafka.topics import DEAD_LETTERS, PLATFORM_TOPICS, create_topics
from tests.support.kafka import KafkaServer

PATIENCE_SEC = 60
TOPIC = "assessment-events"


@asynccontextmanager
async def opened(kafka: KafkaServer, group_id: str) -> AsyncIterator[KafkaSource]:
    async with asyncio.timeout(PATIENCE_SEC), KafkaSource(Group(kafka.servers, (TOPIC,), group_id)) as source:
        yield source


@pytest.fixture
def group_id() -> str:
    """A group that is new to every topic."""
    return f"group-{uuid.uuid4().hex}"


async def produce(kafka: KafkaServer, *bodies: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers)
    await producer.start()
    await asyncio.gather(*[await producer.send(TOPIC, body, partition=0) for body in bodies])
    await producer.stop()


async def some(source: KafkaSource) -> Sequence[Delivery]:
    """The next that come, however long that takes."""
    while not (taken := await source.receive()):
        pass
    return taken


async def dead_letters(kafka: KafkaServer) -> list[tuple[bytes, dict[str, str]]]:
    consumer = AIOKafkaConsumer(DEAD_LETTERS.name, bootstrap_servers=kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    found = await consumer.getmany(timeout_ms=1_000)
    await consumer.stop()
    return [
        (record.value, {name: value.decode() for name, value in record.headers})
        for records in found.values()
        for record in records
    ]


def bodies(deliveries: Sequence[Delivery]) -> list[bytes]:
    return [delivery.body for delivery in deliveries]


async def test_the_platforms_topics_are_created_once_with_their_partitions(kafka: KafkaServer) -> None:
    assert await create_topics(kafka.servers, replicas=1) == []
    told = kafka.tool("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", kafka.servers, "--describe")
    for topic in PLATFORM_TOPICS:
        assert f"Topic: {topic.name}\t" in told
        [line] = [line for line in told.splitlines() if f"Topic: {topic.name}\t" in line and "PartitionCount" in line]
        assert f"PartitionCount: {topic.partitions}\t" in line
        assert f"retention.ms={topic.retention.days * 86_400_000}" in line


async def test_what_was_settled_does_not_come_again_and_what_was_not_does(kafka: KafkaServer, group_id: str) -> None:
    await produce(kafka, b"one", b"two", b"three")
    async with opened(kafka, group_id) as source:
        first, second, third = await some(source)
        await source.ack([first, third])
        assert (first.topic, first.position.partition(":")[0], first.attempts) == (TOPIC, "0", 0)
    async with opened(kafka, group_id) as source:
        assert bodies(await some(source)) == [b"two", b"three"], "a group cannot commit three without two"
        await source.ack([second, third])
    async with opened(kafka, group_id) as source:
        await produce(kafka, b"four")
        assert bodies(await some(source)) == [b"four"]


async def test_no_more_than_a_batch_is_taken(kafka: KafkaServer, group_id: str) -> None:
    await produce(kafka, *[b"%d" % number for number in range(BATCH + 20)])
    async with opened(kafka, group_id) as source:
        taken = [len(await some(source)), len(await some(source))]
        assert max(taken) <= BATCH
        assert sum(taken) == BATCH + 20


async def test_a_dead_letter_keeps_its_body_its_place_and_the_reason(kafka: KafkaServer, group_id: str) -> None:
    await produce(kafka, b"never", b"good")
    async with opened(kafka, group_id) as source:
        never, good = await some(source)
        await source.dead_letter(never, "expected sense, found none")
        await source.ack([good])
        assert await source.dead_letter_count() == 1
    [(body, headers)] = await dead_letters(kafka)
    assert body == b"never"
    assert (headers["topic"], headers["position"]) == (TOPIC, never.position)
    assert headers["reason"] == "expected sense, found none"
    async with opened(kafka, group_id) as source:
        await produce(kafka, b"next")
        assert bodies(await some(source)) == [b"next"]


async def test_what_fails_comes_again_and_is_buried_after_its_last_attempt(
    kafka: KafkaServer, group_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.kafka.source.PAUSES_SEC", (0.01,) * (ATTEMPTS - 1))

    await produce(kafka, b"fails")
    async with opened(kafka, group_id) as source:
        for attempt in range(ATTEMPTS):
            [delivery] = await some(source)
            assert delivery.attempts == attempt
            await source.retry_later(delivery, f"attempt {attempt}")
        [(body, headers)] = await dead_letters(kafka)
        assert (body, headers["reason"]) == (b"fails", f"attempt {ATTEMPTS - 1}")


async def test_of_more_that_failed_than_a_batch_a_batch_comes_again_at_a_time(
    kafka: KafkaServer, group_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.kafka.source.PAUSES_SEC", (0.0,) * (ATTEMPTS - 1))
    number = BATCH + 20

    await produce(kafka, *[b"%d" % each for each in range(number)])
    async with opened(kafka, group_id) as source:
        failed: list[Delivery] = []
        while len(failed) < number:
            failed += await some(source)
        for each in failed:
            await source.retry_later(each, "not now")
        again = [await source.receive(), await source.receive()]
        assert [len(taken) for taken in again] == [BATCH, number - BATCH]
        assert {delivery.attempts for taken in again for delivery in taken} == {1}


async def test_while_one_waits_to_come_again_nothing_past_it_is_committed(kafka: KafkaServer, group_id: str) -> None:
    await produce(kafka, b"fails", b"good")
    async with opened(kafka, group_id) as source:
        fails, good = await some(source)
        await source.retry_later(fails, "not now")
        await source.ack([good])
    async with opened(kafka, group_id) as source:
        assert bodies(await some(source)) == [b"fails", b"good"]


async def test_two_members_share_the_partitions(kafka: KafkaServer, group_id: str) -> None:
    async with opened(kafka, group_id) as one, opened(kafka, group_id) as other:
        await asyncio.gather(one.receive(), other.receive())
        producer = AIOKafkaProducer(bootstrap_servers=kafka.servers)
        await producer.start()
        for number in range(30):
            await producer.send_and_wait(TOPIC, b"%d" % number, partition=number % 3)
        await producer.stop()
        seen: list[bytes] = []
        while len(set(seen)) < 30:
            for source in (one, other):
                taken = await source.receive()
                await source.ack(taken)
                seen += bodies(taken)
        assert set(seen) == {b"%d" % number for number in range(30)}


@pytest.mark.parametrize("timestamp_ms", [2**62, -(2**62), -1])
def test_a_record_may_have_any_time(timestamp_ms: int) -> None:
    assert to_text(instant(timestamp_ms))


async def test_a_broker_that_is_away_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match=r"kafka: expected a broker at 127\.0\.0\.1:1, found"):
        async with KafkaSource(Group("127.0.0.1:1", (TOPIC,), "nobody")):
            pass


async def test_where_a_topic_is_missing_it_is_said_what_creates_it() -> None:
    with pytest.raises(UnavailableError, match="`lms-progress topic create` at HOST:9092, found that one is missing"):
        async with translated("HOST:9092"):
            raise UnknownTopicOrPartitionError
