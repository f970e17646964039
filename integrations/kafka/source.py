"""Kafka as a source: a member of a consumer group, which commits offsets after the transaction that keeps them."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from operator import itemgetter
from types import TracebackType
from typing import Any, Self

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from eventstore.times import to_text
from integrations.inbound.source import ATTEMPTS, BATCH, Delivery
from integrations.kafka.client import Group, member_of, producer_of, translated
from integrations.kafka.offsets import OffsetTracker, RecordOffset
from integrations.kafka.topics import DEAD_LETTERS

WAIT_MS = 1_000

PAUSES_SEC = (1.0, 5.0)
"""How long a message that failed waits before its second and its third attempt."""

LETTER_BYTES = 900_000
"""So much of a message goes to the dead letters: with its headers, it is to be within what a broker takes."""


class KafkaSource:
    """A member of a group. What fails waits in memory, so a member that dies hands it to another."""

    name = "kafka"

    def __init__(self, group: Group) -> None:
        self._group = group
        self._in_hand = OffsetTracker()
        self._waiting: list[tuple[float, Delivery]] = []
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._in_hand, self._waiting = OffsetTracker(), []
        async with AsyncExitStack() as opening, translated(self._group.servers):
            self._dead_letters = producer_of(self._group.servers)
            opening.push_async_callback(self._dead_letters.stop)
            await self._dead_letters.start()
            self._consumer = member_of(self._group)
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

    async def receive(self) -> Sequence[Delivery]:
        again = self._is_due()
        if len(again) == BATCH:
            return again
        async with translated(self._group.servers):
            wait_ms = 0 if again else WAIT_MS
            found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=BATCH - len(again))
        return again + [self._taken(record) for records in found.values() for record in records]

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        reached = self._in_hand.done([RecordOffset.read(each.topic, each.position) for each in deliveries])
        if not reached:
            return
        async with translated(self._group.servers):
            try:
                await self._consumer.commit({TopicPartition(*split): offset for split, offset in reached.items()})
            except (CommitFailedError, IllegalStateError):  # the partitions are another member's by now, who reads on
                self._in_hand.drop(reached)

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        headers = {"topic": delivery.topic, "position": delivery.position, "reason": reason}
        headers |= {"sent_at": to_text(delivery.sent_at), "bytes": str(len(delivery.body))}
        async with translated(self._group.servers):
            await self._dead_letters.send_and_wait(
                DEAD_LETTERS.name,
                delivery.body[:LETTER_BYTES],
                headers=[(name, text.encode()) for name, text in headers.items()],
            )
        await self.ack([delivery])

    async def retry_later(self, delivery: Delivery, reason: str) -> None:
        if delivery.attempts + 1 >= ATTEMPTS:
            return await self.dead_letter(delivery, reason)
        due = asyncio.get_running_loop().time() + PAUSES_SEC[delivery.attempts]
        self._waiting.append((due, delivery._replace(attempts=delivery.attempts + 1)))
        return None

    async def dead_letter_count(self) -> int:
        dead = TopicPartition(DEAD_LETTERS.name, 0)
        async with translated(self._group.servers):
            ends, beginnings = await self._consumer.end_offsets([dead]), await self._consumer.beginning_offsets([dead])
        return int(ends[dead] - beginnings[dead])

    def _is_due(self) -> list[Delivery]:
        """Those of the waiting whose pause is over, BATCH at most, and whose partition is still ours."""
        now = asyncio.get_running_loop().time()
        ours = [
            each for each in self._waiting if self._in_hand.holds(RecordOffset.read(each[1].topic, each[1].position))
        ]
        ours.sort(key=itemgetter(0))
        number = min(BATCH, sum(due <= now for due, _ in ours))
        self._waiting = ours[number:]
        return [delivery for _, delivery in ours[:number]]

    def _taken(self, record: Any) -> Delivery:
        place = RecordOffset(record.topic, record.partition, record.offset)
        self._in_hand.track(place)
        return Delivery(record.topic, place.position, record.value or b"", instant(record.timestamp))


def instant(timestamp_ms: int) -> datetime:
    """The time that a record's producer gave it: any number, also one that lies beyond the calendar."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)


class Rebalanced(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Hears which partitions go to another member."""

    def __init__(self, in_hand: OffsetTracker) -> None:
        self._in_hand = in_hand

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._in_hand.drop([(each.topic, each.partition) for each in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """They are read from where the group had come to."""
