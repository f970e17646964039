"""The sinks that announcements go to: the brokers that are configured, and the URLs that subscribed.

To add a broker, write its sink and name it in SINKS. Clients are imported where they are needed: few have every broker.
"""

from collections.abc import Callable, Mapping

from api.settings import Settings
from integrations.inbox import Inbox
from integrations.mapping import Mappings
from integrations.relay import Relay
from integrations.sinks import KnownSink, Sinks
from integrations.systems import KAFKA, RABBITMQ, REDIS
from integrations.webhook.webhooks import webhooks

MappingsNow = Callable[[], Mappings]
"""The mappings as they are now: the operator's file may change while sinks are open."""


def redis_sink(settings: Settings, mappings: MappingsNow) -> KnownSink | None:
    """A stream of Redis."""
    url = settings.redis_url
    if url is None:
        return None
    from integrations.redis.announce import TYPES
    from integrations.redis.sink import RedisSink

    return KnownSink(REDIS, REDIS, TYPES, lambda: RedisSink(url.get_secret_value(), lambda: mappings().of(REDIS)))


def rabbitmq_sink(settings: Settings, mappings: MappingsNow) -> KnownSink | None:
    """The exchange of RabbitMQ."""
    url = settings.rabbitmq_url
    if url is None or settings.rabbitmq_announces == "none":
        return None
    from integrations.rabbitmq.announce import TYPES
    from integrations.rabbitmq.sink import RabbitmqSink

    types = TYPES.intersection(settings.rabbitmq_announces.split(","))

    return KnownSink(
        RABBITMQ, RABBITMQ, types, lambda: RabbitmqSink(url.get_secret_value(), lambda: mappings().of(RABBITMQ))
    )


def kafka_sink(settings: Settings, mappings: MappingsNow) -> KnownSink | None:
    """A topic of Kafka."""
    servers = settings.kafka_bootstrap_servers
    if servers is None:
        return None
    from integrations.kafka.announce import TYPES
    from integrations.kafka.sink import KafkaSink

    return KnownSink(KAFKA, KAFKA, TYPES, lambda: KafkaSink(servers, lambda: mappings().of(KAFKA)))


SINKS: Mapping[str, Callable[[Settings, MappingsNow], KnownSink | None]] = {
    REDIS: redis_sink,
    RABBITMQ: rabbitmq_sink,
    KAFKA: kafka_sink,
}
"""By the names of the systems that are told of signals by them; each gives None where its broker is not configured."""


def make_relay(settings: Settings, inbox: Inbox, *, private_webhooks: bool) -> Relay:
    """The relay to all of them, in the mappings of that inbox; webhooks may go to private addresses or not."""
    engine = inbox.engine
    found = [make(settings, lambda: inbox.mappings) for make in SINKS.values()]
    brokers = [sink for sink in found if sink is not None]
    sinks = Sinks(brokers, webhooks(engine.database, engine.clock, private=private_webhooks))
    return Relay(engine.database, sinks, engine.clock)
