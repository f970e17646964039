"""What only Kafka has, opened by the settings: the ingest topic, its consumers, and the forwarder of topics."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bootstrap.settings import Settings
from bootstrap.sources import not_configured
from eventstore.event import Event
from integrations.inbound.consumer import Consumer
from integrations.inbound.inbox import Inbox
from integrations.inbound.message import Message
from integrations.inbound.source import Source
from integrations.kafka.system import KAFKA, KafkaSettings, group_source

if TYPE_CHECKING:
    from integrations.kafka.ingest_topic import IngestTopic
    from integrations.kafka.topics import Topic


def appender_of(settings: Settings, inbox: Inbox) -> Consumer[Event]:
    """Return a consumer of the ingest topic, for the event log. Raise LmsError if Kafka is not configured."""
    from integrations.kafka.ingest_topic import GROUP, EventAppender
    from integrations.kafka.topics import LEARNER_EVENTS

    return Consumer(
        required_source(settings, GROUP, [LEARNER_EVENTS]), EventAppender(inbox.engine), settings.max_body_bytes
    )


def forwarder_of(settings: Settings, inbox: Inbox) -> Consumer[Message]:
    """Return a consumer that forwards the platform's messages to subscribers. Raise LmsError like `appender_of`."""
    from integrations.kafka.forwarder import GROUP, TopicForwarder
    from integrations.kafka.topics import PLATFORM_TOPICS

    source = required_source(settings, GROUP, PLATFORM_TOPICS)
    return Consumer(source, TopicForwarder(inbox.engine), settings.max_message_bytes)


@asynccontextmanager
async def open_ingest_topic(settings: Settings) -> AsyncIterator["IngestTopic | None"]:
    """Open the topic that servers store events in with LMS_INGEST=kafka. Yield None if they use the database."""
    kafka = settings.of(KafkaSettings)
    if kafka.ingest == "database" or kafka.kafka_bootstrap_servers is None:
        yield None
        return
    from integrations.kafka.ingest_topic import IngestTopic

    topic = IngestTopic(kafka.kafka_bootstrap_servers)
    try:
        yield topic
    finally:
        await topic.close()


def servers_of(settings: Settings) -> str:
    """Return the addresses of Kafka's brokers. Raise LmsError if Kafka is not configured."""
    servers = settings.of(KafkaSettings).kafka_bootstrap_servers
    if servers is None:
        raise not_configured(KAFKA)
    return servers


def required_source(settings: Settings, group_id: str, topics: Sequence["Topic"]) -> Source:
    source = group_source(settings.of(KafkaSettings), group_id, topics)
    if source is None:
        raise not_configured(KAFKA)
    return source
