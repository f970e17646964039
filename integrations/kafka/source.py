"""Kafka as a source: a member of a consumer group, which commits offsets after the transaction that keeps them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from eventstore.errors import Unavailable
from eventstore.times import to_text
from integrations.kafka.in_hand import InHand, Place
from integrations.kafka.topics import DEAD_LETTERS
from integrations.source import ATTEMPTS, BATCH, Delivery

WAIT_MS = 1_000
HEARTBEATS = 3
"""So many signs of life a session."""

PAUSES_SEC = (1.0, 5.0)
"""How long a message that failed waits before its second and its third attempt."""


LETTER_BYTES = 900_000
"""So much of a message goes to the dead letters: with its headers, it is to be within what a broker takes."""


class Group(NamedTuple):
    """Where to read: the brokers, the topics, the group, and where a group begins that is new to a topic.

    After `session_sec` without a sign of life, a member's partitions go to the others; brokers allow 6 or more.
    """

    servers: str
    topics: tuple[str, ...]
    group_id: str
    offset_reset: str = "earliest"
    session_sec: float = 6


class KafkaSource:
    """A member of a group. What fails waits in memory, so a member that dies hands it to another."""

    name = "kafka"

    def __init__(self, group: Group) -> None:
        self._group = group
        self._in_hand = InHand()
        self._waiting: list[tuple[float, Delivery]] = []
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._in_hand, self._waiting = InHand(), []
        async with AsyncExitStack() as opening, said(self._group.servers):
            self._dead_letters = dead_letters(self._group)
            opening.push_async_callback(self._dead_letters.stop)
            await self._dead_letters.start()
            self._consumer = member(self._group)
            opening.push_async_callback(self._consumer.stop)
            self._consumer.subscribe(self._group.topics, listener=Rebalanced(self._in_hand))
            await self._consumer.start()
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(KafkaError):  # whoever leaves has no use for it
            await self._open.aclose()

    async def take(self) -> Sequence[Delivery]:
        again = self._due()
        async with said(self._group.servers):
            wait_ms = 0 if again else WAIT_MS
            found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=BATCH - len(again))
        return again + [self._taken(record) for records in found.values() for record in records]

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        reached = self._in_hand.done([Place.read(each.topic, each.position) for each in deliveries])
        if not reached:
            return
        async with said(self._group.servers):
            try:
                await self._consumer.commit({TopicPartition(*split): offset for split, offset in reached.items()})
            except (CommitFailedError, IllegalStateError):  # the partitions are another member's by now, who reads on
                self._in_hand.drop(reached)

    async def bury(self, delivery: Delivery, reason: str) -> None:
        headers = {"topic": delivery.topic, "position": delivery.position, "reason": reason}
        headers |= {"sent_at": to_text(delivery.sent_at), "bytes": str(len(delivery.body))}
        async with said(self._group.servers):
            await self._dead_letters.send_and_wait(
                DEAD_LETTERS.name,
                delivery.body[:LETTER_BYTES],
                headers=[(name, text.encode()) for name, text in headers.items()],
            )
        await self.settle([delivery])

    async def give_back(self, delivery: Delivery, reason: str) -> None:
        if delivery.attempts + 1 >= ATTEMPTS:
            return await self.bury(delivery, reason)
        due = asyncio.get_running_loop().time() + PAUSES_SEC[delivery.attempts]
        self._waiting.append((due, delivery._replace(attempts=delivery.attempts + 1)))
        return None

    async def count_buried(self) -> int:
        dead = TopicPartition(DEAD_LETTERS.name, 0)
        async with said(self._group.servers):
            ends, beginnings = await self._consumer.end_offsets([dead]), await self._consumer.beginning_offsets([dead])
        return int(ends[dead] - beginnings[dead])

    def _due(self) -> list[Delivery]:
        """Those of the waiting whose pause is over, and whose partition is still ours."""
        now = asyncio.get_running_loop().time()
        ours = [each for each in self._waiting if self._in_hand.holds(Place.read(each[1].topic, each[1].position))]
        self._waiting = [each for each in ours if each[0] > now]
        return [delivery for due, delivery in ours if due <= now]

    def _taken(self, record: Any) -> Delivery:
        place = Place(record.topic, record.partition, record.offset)
        self._in_hand.take(place)
        return Delivery(record.topic, place.position, record.value or b"", instant(record.timestamp))


def instant(timestamp_ms: int) -> datetime:
    """The time that a record's producer gave it: any number, also one that lies beyond the calendar."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def member(group: Group) -> AIOKafkaConsumer:
    """A member of the group that commits when it is told to."""
    return AIOKafkaConsumer(
        bootstrap_servers=group.servers,
        group_id=group.group_id,
        auto_offset_reset=group.offset_reset,
        enable_auto_commit=False,
        session_timeout_ms=round(group.session_sec * 1000),
        heartbeat_interval_ms=round(group.session_sec * 1000) // HEARTBEATS,
    )


def dead_letters(group: Group) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=group.servers, acks="all", enable_idempotence=True)


class Rebalanced(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Hears which partitions go to another member."""

    def __init__(self, in_hand: InHand) -> None:
        self._in_hand = in_hand

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._in_hand.drop([(each.topic, each.partition) for each in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """They are read from where the group had come to."""


@asynccontextmanager
async def said(servers: str) -> AsyncIterator[None]:
    """Says of Kafka's errors that the broker cannot be had."""
    try:
        yield
    except KafkaError as error:
        raise Unavailable(f"kafka: expected a broker at {servers}, found {error}") from error
