"""The topics: those that the platform writes, and ours. A command creates whichever are not there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from eventstore.errors import LmsError, UnavailableError
from integrations.contracts import kafka as contract


class Topic(NamedTuple):
    """A topic, into how many partitions it is split, and for how long messages are kept."""

    name: str
    partitions: int
    retention: timedelta


PLATFORM_TOPICS = (
    Topic(contract.DOCUMENT_EVENTS, 3, timedelta(days=7)),
    Topic(contract.MEETING_EVENTS, 6, timedelta(days=3)),
    Topic(contract.TUTOR_QUERIES, 3, timedelta(days=30)),
    Topic(contract.ASSESSMENT_EVENTS, 3, timedelta(days=90)),
    Topic(contract.ANALYTICS_EVENTS, 6, timedelta(days=30)),
)
"""What the platform writes and we read."""

LEARNER_EVENTS = Topic("learner-events", 12, timedelta(days=30))
"""The log in front of ours: what `POST /v1/events` took, keyed by learner, until it is appended."""

PROGRESS_EVENTS = Topic(contract.PROGRESS_EVENTS, 6, timedelta(days=30))
"""What we announce, keyed by learner."""

DEAD_LETTERS = Topic("lms-progress-dead-letters", 1, timedelta(days=90))
"""Messages that could not be taken, with the reason."""

TOPICS = (*PLATFORM_TOPICS, LEARNER_EVENTS, PROGRESS_EVENTS, DEAD_LETTERS)


async def create_topics(servers: str, replicas: int) -> list[str]:
    """Creates the topics that are not there yet, and leaves the others as they are. The names of those created.

    Raises Unavailable if there is no broker, and LmsError with its reason if it will not create one.
    """
    async with administration(servers) as admin:
        answer = await admin.create_topics([new_topic(topic, replicas) for topic in TOPICS])
    return [name for name, code, reason in errors(answer) if is_created(name, code, reason)]


@asynccontextmanager
async def administration(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connection that may create topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        yield admin
    except KafkaError as error:
        raise UnavailableError(f"kafka: expected a broker at {servers}, found {error}") from error
    finally:
        await admin.close()


def new_topic(topic: Topic, replicas: int) -> NewTopic:
    kept_ms = round(topic.retention.total_seconds() * 1000)
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs={"retention.ms": str(kept_ms)})


def errors(answer: object) -> Sequence[tuple[str, int, str | None]]:
    """Each topic's name with the broker's code and message; 0 is success."""
    return answer.topic_errors  # type: ignore[attr-defined,no-any-return]


def is_created(name: str, code: int, reason: str | None) -> bool:
    """False if it was there. Raises LmsError if it could not be created."""
    if code == TopicAlreadyExistsError.errno:
        return False
    if code != 0:
        raise LmsError(f"kafka: expected to create the topic {name!r}, found {for_code(code).__name__}: {reason}")
    return True
