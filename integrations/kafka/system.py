"""The learning platform, over Kafka."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_settings import BaseSettings

from integrations.contracts.kafka import ANNOUNCED, PROGRESS_EVENTS, SOURCE, TYPES
from integrations.inbound.source import Source
from integrations.kafka.decode import decode
from integrations.kafka.translate import EXAM, TRANSLATOR
from integrations.outbound.sink import SinkSpec
from integrations.runtime.addresses import of_servers
from integrations.system import RECEIVE, SEND, Channel, CurrentMapping, Server, System

if TYPE_CHECKING:
    from integrations.kafka.topics import Topic


def with_its_servers(ingest: str, others: ValidationInfo) -> str:
    """Refuse to store events in Kafka if no setting says where Kafka is."""
    if ingest == "kafka" and others.data.get("kafka_bootstrap_servers") is None:
        raise ValueError("`database` while KAFKA_BOOTSTRAP_SERVERS is absent")
    return ingest


class KafkaSettings(BaseSettings):
    """The settings of Kafka. Their names are those that the platform's other services read."""

    kafka_bootstrap_servers: Annotated[str, AfterValidator(of_servers)] | None = Field(
        None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="`HOST:PORT`, several separated by commas; without it nothing is consumed from Kafka",
    )
    kafka_group_id: Annotated[str, Field(min_length=1)] = Field(
        "analytics-aggregator", validation_alias="KAFKA_GROUP_ID", description="The group that reads the topics"
    )
    kafka_auto_offset_reset: Literal["earliest", "latest"] = Field(
        "earliest",
        validation_alias="KAFKA_AUTO_OFFSET_RESET",
        description="Where a group begins to read that is new to a topic",
    )
    kafka_session_sec: Annotated[float, Field(ge=1, le=300)] = Field(
        6,
        validation_alias="KAFKA_SESSION_SEC",
        description="After so many seconds without a sign of life, a consumer's partitions go to the others",
    )
    ingest: Annotated[Literal["database", "kafka"], AfterValidator(with_its_servers)] = Field(
        "database", description="Where `POST /v1/events` keeps events before it answers: see integrations/kafka.md"
    )


def source(settings: KafkaSettings) -> Source | None:
    if settings.kafka_bootstrap_servers is None:
        return None
    from integrations.kafka.topics import PLATFORM_TOPICS

    return group_source(settings, settings.kafka_group_id, PLATFORM_TOPICS, settings.kafka_auto_offset_reset)


def group_source(
    settings: KafkaSettings, group_id: str, topics: Sequence["Topic"], offset_reset: str = "earliest"
) -> Source | None:
    """Return a member of a group that reads the topics, or None if Kafka is not configured."""
    if settings.kafka_bootstrap_servers is None:
        return None
    from integrations.kafka.client import Group
    from integrations.kafka.source import KafkaSource

    names = tuple(topic.name for topic in topics)
    servers, session_sec = settings.kafka_bootstrap_servers, settings.kafka_session_sec
    return KafkaSource(Group(servers, names, group_id, offset_reset, session_sec))


def sink(settings: KafkaSettings, mapping: CurrentMapping) -> SinkSpec | None:
    servers = settings.kafka_bootstrap_servers
    if servers is None:
        return None
    from integrations.kafka.encode import TYPES as ENCODED
    from integrations.kafka.sink import KafkaSink

    return SinkSpec(SOURCE, SOURCE, ENCODED, lambda: KafkaSink(servers, mapping))


KAFKA = System(
    SOURCE,
    KafkaSettings,
    Server("kafka", "The learning platform's, as in KAFKA_BOOTSTRAP_SERVERS"),
    [*(Channel(topic, RECEIVE, types) for topic, types in TYPES.items()), Channel(PROGRESS_EVENTS, SEND, ANNOUNCED)],
    decode,
    TRANSLATOR,
    mapping_kinds=(EXAM,),
    address_setting="KAFKA_BOOTSTRAP_SERVERS",
    source=source,
    sink=sink,
)
