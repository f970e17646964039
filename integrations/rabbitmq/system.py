"""The course platform, over RabbitMQ."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from eventstore.event_type import EventType
from integrations.contracts.rabbitmq import ANNOUNCED, EXCHANGE, SOURCE, TYPES
from integrations.inbound.mapping import COURSE
from integrations.inbound.source import Source
from integrations.outbound.sink import SinkSpec
from integrations.rabbitmq.decode import decode
from integrations.rabbitmq.translate import LECTURE, TRANSLATOR
from integrations.runtime.addresses import url_of
from integrations.system import RECEIVE, SEND, Channel, CurrentMapping, Server, System

AnnouncedTypes = Literal["STEP_COMPLETED,COURSE_COMPLETED", "STEP_COMPLETED", "COURSE_COMPLETED", "none"]
"""The signals that the platform has events for, and each choice of them."""


class RabbitmqSettings(BaseSettings):
    """The settings of RabbitMQ."""

    rabbitmq_url: Annotated[SecretStr, AfterValidator(url_of("amqp", "amqps"))] | None = Field(
        None, description="`amqp://…` or `amqps://…`; without it nothing is consumed from RabbitMQ, nor announced there"
    )
    rabbitmq_announces: AnnouncedTypes = Field(
        "STEP_COMPLETED,COURSE_COMPLETED",
        description="The signals that are announced on RabbitMQ: both, one, or `none`",
    )


def routed(action: Literal["receive", "send"], event_type: EventType) -> Channel:
    """Return the channel of one routing key of the topic exchange."""
    exchange = {"name": EXCHANGE, "type": "topic", "durable": True}
    bindings = {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}}
    return Channel(event_type.name, action, (event_type,), bindings=bindings)


def source(settings: RabbitmqSettings) -> Source | None:
    if settings.rabbitmq_url is None:
        return None
    from integrations.rabbitmq.source import RabbitmqSource

    return RabbitmqSource(settings.rabbitmq_url.get_secret_value())


def sink(settings: RabbitmqSettings, mapping: CurrentMapping) -> SinkSpec | None:
    url = settings.rabbitmq_url
    if url is None or settings.rabbitmq_announces == "none":
        return None
    from integrations.rabbitmq.encode import TYPES as ENCODED
    from integrations.rabbitmq.sink import RabbitmqSink

    types = ENCODED.intersection(settings.rabbitmq_announces.split(","))
    return SinkSpec(SOURCE, SOURCE, types, lambda: RabbitmqSink(url.get_secret_value(), mapping))


RABBITMQ = System(
    SOURCE,
    RabbitmqSettings,
    Server("amqp", "The course platform's RabbitMQ, as in LMS_RABBITMQ_URL"),
    [*(routed(RECEIVE, each) for each in TYPES), *(routed(SEND, each) for each in ANNOUNCED)],
    decode,
    TRANSLATOR,
    mapping_kinds=(COURSE, LECTURE),
    address_setting="LMS_RABBITMQ_URL",
    source=source,
    sink=sink,
)
