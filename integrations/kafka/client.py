"""The clients of Kafka: producers, and members of groups, whose trouble comes out as Unavailable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from eventstore.errors import UnavailableError

HEARTBEATS = 3
"""So many signs of life a session."""


class Group(NamedTuple):
    """Where to read: the brokers, the topics, the group, and where a group begins that is new to a topic.

    After `session_sec` without a sign of life, a member's partitions go to the others; brokers allow 6 or more.
    """

    servers: str
    topics: tuple[str, ...]
    group_id: str
    offset_reset: str = "earliest"
    session_sec: float = 6


def member_of(group: Group) -> AIOKafkaConsumer:
    """A member of the group that commits when it is told to."""
    return AIOKafkaConsumer(
        bootstrap_servers=group.servers,
        group_id=group.group_id,
        auto_offset_reset=group.offset_reset,
        enable_auto_commit=False,
        session_timeout_ms=round(group.session_sec * 1000),
        heartbeat_interval_ms=round(group.session_sec * 1000) // HEARTBEATS,
    )


def producer_of(servers: str, **more: Any) -> AIOKafkaProducer:
    """One from which the brokers take each record once, however often it has to send it. `more` are its settings."""
    return AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True, **more)


async def started(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    """The same, once it is connected; one that cannot be is closed."""
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


@asynccontextmanager
async def translated(servers: str) -> AsyncIterator[None]:
    """What Kafka's client raises, as Unavailable: the same again later will do."""
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        expected = f"expected the topics of `lms-progress topic create` at {servers}"
        raise UnavailableError(f"kafka: {expected}, found that one is missing") from error
    except KafkaError as error:
        raise UnavailableError(f"kafka: expected a broker at {servers}, found {error}") from error
