"""The brokers whose messages we consume: which are configured, and how each is reached.

To add one, write its source and name it in BROKERS. Clients are imported where they are needed: few have every broker.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from bootstrap.settings import Settings
from eventstore.errors import LmsError
from eventstore.event import Event
from integrations.inbound.consumer import Consumer
from integrations.inbound.handler import InboxHandler
from integrations.inbound.inbox import Inbox
from integrations.inbound.message import Message
from integrations.inbound.source import Source
from integrations.systems import KAFKA, RABBITMQ, REDIS, SYSTEMS

if TYPE_CHECKING:
    from integrations.kafka.ingest_topic import IngestTopic
    from integrations.kafka.topics import Topic


class Broker(NamedTuple):
    """How to reach a broker: its source, None without the `setting` that says where it is."""

    setting: str
    source: Callable[[Settings], Source | None]


def redis_source(settings: Settings) -> Source | None:
    """Redis Streams."""
    if settings.redis_url is None:
        return None
    from integrations.redis.source import RedisSource

    return RedisSource(settings.redis_url.get_secret_value(), settings.redis_group, settings.redis_claim_sec)


def rabbitmq_source(settings: Settings) -> Source | None:
    """A queue of RabbitMQ."""
    if settings.rabbitmq_url is None:
        return None
    from integrations.rabbitmq.source import RabbitmqSource

    return RabbitmqSource(settings.rabbitmq_url.get_secret_value())


def kafka_source(settings: Settings) -> Source | None:
    """The platform's topics of Kafka."""
    from integrations.kafka.topics import PLATFORM_TOPICS

    return kafka_group(settings, settings.kafka_group_id, PLATFORM_TOPICS, settings.kafka_auto_offset_reset)


def kafka_group(
    settings: Settings, group_id: str, topics: Sequence["Topic"], offset_reset: str = "earliest"
) -> Source | None:
    """A member of a group that reads those topics."""
    if settings.kafka_bootstrap_servers is None:
        return None
    from integrations.kafka.client import Group
    from integrations.kafka.source import KafkaSource

    names = tuple(topic.name for topic in topics)
    servers, session_sec = settings.kafka_bootstrap_servers, settings.kafka_session_sec
    return KafkaSource(Group(servers, names, group_id, offset_reset, session_sec))


BROKERS: Mapping[str, Broker] = {
    REDIS: Broker("LMS_REDIS_URL", redis_source),
    RABBITMQ: Broker("LMS_RABBITMQ_URL", rabbitmq_source),
    KAFKA: Broker("KAFKA_BOOTSTRAP_SERVERS", kafka_source),
}
"""By the names of the systems that send by them."""


def source_of(system: str, settings: Settings) -> Source:
    """Where that system's messages come from. Raises LmsError for a broker that is unknown, or not configured."""
    broker = BROKERS.get(system)
    if broker is None:
        raise LmsError(f"expected {' or '.join(BROKERS)}, found {system}")
    source = broker.source(settings)
    if source is None:
        raise not_configured(system)
    return source


def consumer_of(system: str, settings: Settings, inbox: Inbox) -> Consumer[Message]:
    """What `system` sends, into the inbox. Raises LmsError for a broker that is unknown, or not configured."""
    source = source_of(system, settings)
    return Consumer(source, InboxHandler(SYSTEMS[system], inbox, inbox.engine.clock), settings.max_message_bytes)


def appender_of(settings: Settings, inbox: Inbox) -> Consumer[Event]:
    """What servers keep in Kafka with LMS_INGEST=kafka, into the log. Raises LmsError where it is not configured."""
    from integrations.kafka.ingest_topic import GROUP, EventAppender
    from integrations.kafka.topics import LEARNER_EVENTS

    source = kafka_group(settings, GROUP, [LEARNER_EVENTS])
    if source is None:
        raise not_configured(KAFKA)
    return Consumer(source, EventAppender(inbox.engine), settings.max_body_bytes)


@asynccontextmanager
async def open_front_log(settings: Settings) -> AsyncIterator["IngestTopic | None"]:
    """Where servers keep events with LMS_INGEST=kafka; None where that is the database."""
    if settings.ingest == "database" or settings.kafka_bootstrap_servers is None:
        yield None
        return
    from integrations.kafka.ingest_topic import IngestTopic

    front_log = IngestTopic(settings.kafka_bootstrap_servers)
    try:
        yield front_log
    finally:
        await front_log.close()


def notifier_of(settings: Settings, inbox: Inbox) -> Consumer[Message]:
    """What the learning platform sends, to whoever subscribed to it. Raises LmsError where Kafka is not configured."""
    from integrations.kafka.forwarder import GROUP, TopicForwarder
    from integrations.kafka.topics import PLATFORM_TOPICS

    source = kafka_group(settings, GROUP, PLATFORM_TOPICS)
    if source is None:
        raise not_configured(KAFKA)
    return Consumer(source, TopicForwarder(inbox.engine), settings.max_message_bytes)


def not_configured(system: str) -> LmsError:
    return LmsError(f"{BROKERS[system].setting}: expected where {system} is, found nothing")


@asynccontextmanager
async def background_consumers(settings: Settings, inbox: Inbox) -> AsyncIterator[None]:
    """Consumes from every broker that is configured while the block runs. Any number of processes may do so."""
    configured = [system for system, broker in BROKERS.items() if broker.source(settings) is not None]
    stopping = asyncio.Event()
    running = [asyncio.create_task(consumer_of(system, settings, inbox).run(stopping)) for system in configured]
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*running)
