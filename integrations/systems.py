"""The one list of the systems whose messages are taken. To add one, write its package and name it here."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from integrations.contracts import activity, kafka, rabbitmq, redis, tally
from integrations.inbound.message import Message
from integrations.inbound.source import Delivery
from integrations.inbound.translator import Translator
from integrations.kafka.decode import read as read_kafka
from integrations.kafka.translate import TRANSLATOR as KAFKA_TRANSLATOR
from integrations.platform_monitor.decode import read as read_activity
from integrations.platform_monitor.translate import TRANSLATOR as ACTIVITY_TRANSLATOR
from integrations.rabbitmq.decode import read as read_rabbitmq
from integrations.rabbitmq.translate import TRANSLATOR as RABBITMQ_TRANSLATOR
from integrations.redis.decode import read as read_redis
from integrations.redis.translate import TRANSLATOR as REDIS_TRANSLATOR
from integrations.tally.decode import read as read_tally
from integrations.tally.translate import TRANSLATOR as TALLY_TRANSLATOR


class System(NamedTuple):
    """How one system's deliveries become messages, and how its messages are understood. Both are pure.

    `read` takes the time of receipt, and raises Refused for what can never be taken.
    """

    read: Callable[[Delivery, datetime], Message]
    translator: Translator


TALLY, REDIS, RABBITMQ, KAFKA = tally.SOURCE, redis.SOURCE, rabbitmq.SOURCE, kafka.SOURCE
ACTIVITY = activity.SOURCE

SYSTEMS: Mapping[str, System] = {
    TALLY: System(read_tally, TALLY_TRANSLATOR),
    REDIS: System(read_redis, REDIS_TRANSLATOR),
    RABBITMQ: System(read_rabbitmq, RABBITMQ_TRANSLATOR),
    KAFKA: System(read_kafka, KAFKA_TRANSLATOR),
    ACTIVITY: System(read_activity, ACTIVITY_TRANSLATOR),
}
"""By what `lms_inbox` and `lms_event` call them."""
