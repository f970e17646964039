"""Brokers for tests, empty at the start of each, and programs that start quickly."""

import asyncio
from collections.abc import Iterator

import pytest

from integrations.contracts.rabbitmq import EXCHANGE
from integrations.kafka.topics import create_topics
from integrations.rabbitmq.topology import DEAD_LETTERS, DELAYS_SEC, QUEUE, queued
from tests.support.kafka import KafkaServer, required_kafka
from tests.support.platform import FILL, Platform, example_platform
from tests.support.postgres import PostgresServer
from tests.support.rabbitmq import RabbitmqServer, required_rabbitmq
from tests.support.redis import RedisServer, required_redis


@pytest.fixture(autouse=True, scope="module")
def quick_starts(forked: None) -> None:
    """Programs are started here for what they exchange with others."""


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A private Redis for this run."""
    with required_redis() as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """That server, empty."""
    redis_server.cli("FLUSHALL")
    return redis_server


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[RabbitmqServer]:
    """A private RabbitMQ for this run."""
    with required_rabbitmq() as server:
        yield server


@pytest.fixture
def rabbitmq(rabbitmq_server: RabbitmqServer) -> RabbitmqServer:
    """That server, without our queues, and with nobody else's bound."""
    rabbitmq_server.delete([QUEUE, DEAD_LETTERS, *map(queued, DELAYS_SEC)], [EXCHANGE])
    return rabbitmq_server


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[KafkaServer]:
    """A private Kafka for this run."""
    with required_kafka() as server:
        asyncio.run(create_topics(server.servers, replicas=1))
        yield server


@pytest.fixture
def kafka(kafka_server: KafkaServer) -> KafkaServer:
    """That broker, with the topics, and nothing in them."""
    kafka_server.empty()
    return kafka_server


@pytest.fixture
def platform(postgres: PostgresServer) -> Iterator[Platform]:
    """The example, with students and mentors, who have done nothing yet."""
    with example_platform(postgres) as platform:
        platform.run(FILL)
        yield platform
