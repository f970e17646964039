"""The sinks that announcements go to: the brokers and other servers that are configured, and the URLs that subscribed.

To add one, write its sink and name it in SINKS. Clients are imported where they are needed: few have every broker.
"""

from collections.abc import Callable, Mapping

from bootstrap.settings import Settings
from eventstore.errors import FeatureDisabledError
from integrations.contracts.notification import NOTIFIED
from integrations.inbound.inbox import Inbox
from integrations.inbound.mapping import Mappings
from integrations.notifications.notifier import Notifier
from integrations.notifications.recipients_hook import load
from integrations.outbound.relay import Relay
from integrations.outbound.sink import SinkSpec
from integrations.outbound.sinks import Sinks
from integrations.smtp import SYSTEM as SMTP
from integrations.systems import KAFKA, RABBITMQ, REDIS
from integrations.webhook.webhooks import webhooks
from integrations.zulip import SYSTEM as ZULIP

MappingsNow = Callable[[], Mappings]
"""The mappings as they are now: the operator's file may change while sinks are open."""


def redis_sink(settings: Settings, mappings: MappingsNow) -> SinkSpec | None:
    """A stream of Redis."""
    url = settings.redis_url
    if url is None:
        return None
    from integrations.redis.encode import TYPES
    from integrations.redis.sink import RedisSink

    return SinkSpec(REDIS, REDIS, TYPES, lambda: RedisSink(url.get_secret_value(), lambda: mappings().of(REDIS)))


def rabbitmq_sink(settings: Settings, mappings: MappingsNow) -> SinkSpec | None:
    """The exchange of RabbitMQ."""
    url = settings.rabbitmq_url
    if url is None or settings.rabbitmq_announces == "none":
        return None
    from integrations.rabbitmq.encode import TYPES
    from integrations.rabbitmq.sink import RabbitmqSink

    types = TYPES.intersection(settings.rabbitmq_announces.split(","))

    return SinkSpec(
        RABBITMQ, RABBITMQ, types, lambda: RabbitmqSink(url.get_secret_value(), lambda: mappings().of(RABBITMQ))
    )


def kafka_sink(settings: Settings, mappings: MappingsNow) -> SinkSpec | None:
    """A topic of Kafka."""
    servers = settings.kafka_bootstrap_servers
    if servers is None:
        return None
    from integrations.kafka.encode import TYPES
    from integrations.kafka.sink import KafkaSink

    return SinkSpec(KAFKA, KAFKA, TYPES, lambda: KafkaSink(servers, lambda: mappings().of(KAFKA)))


def zulip_sink(settings: Settings, _: MappingsNow) -> SinkSpec | None:
    """A bot of a Zulip organisation, for mentors."""
    site, email, key = settings.zulip_site, settings.zulip_email, settings.zulip_api_key
    if site is None or email is None or key is None or not settings.notify_mentors_enabled:
        return None
    from integrations.zulip.client import Bot
    from integrations.zulip.rate_limiter import RateLimiter
    from integrations.zulip.sink import ZulipSink

    bot, pace = Bot(site, email, key.get_secret_value()), RateLimiter()
    return SinkSpec(ZULIP, ZULIP, frozenset(NOTIFIED), lambda: ZulipSink(bot, pace))


def smtp_sink(settings: Settings, _: MappingsNow) -> SinkSpec | None:
    """E-mail, for mentors."""
    url, sender = settings.smtp_url, settings.smtp_from
    if url is None or sender is None or not settings.notify_mentors_enabled:
        return None
    from integrations.smtp.client import server_of
    from integrations.smtp.sink import SmtpSink

    server = server_of(url.get_secret_value())
    return SinkSpec(SMTP, SMTP, frozenset(NOTIFIED), lambda: SmtpSink(server, sender))


SINKS: Mapping[str, Callable[[Settings, MappingsNow], SinkSpec | None]] = {
    REDIS: redis_sink,
    RABBITMQ: rabbitmq_sink,
    KAFKA: kafka_sink,
    ZULIP: zulip_sink,
    SMTP: smtp_sink,
}
"""By the names of the systems that are told of signals, or that tell mentors; None where one is not configured."""


def make_notifier(settings: Settings) -> Notifier | None:
    """What announces activities to mentors. None while that is switched off: nothing is to be written then.

    Raises InvalidInput where LMS_NOTIFY_RECIPIENTS names no function.
    """
    if not settings.notify_mentors_enabled:
        return None
    name = settings.notify_recipients
    return Notifier(None if name is None else load(name))


def check_notifying(settings: Settings) -> None:
    """Raises SwitchedOff while mentors are not to be told of anything."""
    if not settings.notify_mentors_enabled:
        raise FeatureDisabledError(
            "LMS_NOTIFY_MENTORS_ENABLED: expected true, found false: mentors are not told of anything"
        )


def make_relay(settings: Settings, inbox: Inbox, *, private_webhooks: bool) -> Relay:
    """The relay to all of them, in the mappings of that inbox; webhooks may go to private addresses or not."""
    engine = inbox.engine
    found = [make(settings, lambda: inbox.mappings) for make in SINKS.values()]
    brokers = [sink for sink in found if sink is not None]
    sinks = Sinks(brokers, webhooks(engine.database, engine.clock, private=private_webhooks))
    return Relay(engine.database, sinks, engine.clock)
