"""Kafka as the log in front of ours: events are acknowledged when its brokers have them, and appended behind.

Any number of servers then takes events, and any number of consumers of one group appends and projects them.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from pydantic_core import from_json, to_json

from engine.engine import Engine
from eventstore.envelope import parse, validate
from eventstore.errors import A_TIME, BodyTooLargeError, FieldError, InvalidInputError, shorten_repr
from eventstore.event import Event
from eventstore.times import from_text, to_text
from integrations.inbound.source import Delivery
from integrations.kafka.client import producer_of, started, translated
from integrations.kafka.topics import LEARNER_EVENTS
from integrations.tables import InboxStatus

ADDED = ("event_id", "recorded_at", "source")
"""What the server that took an event says of it: without the first, an event that comes again would be another one."""

ANSWER_MS = 10_000
"""Who posts is told after so long that the event is not kept."""

GROUP = "lms-progress-ingest"
"""The group of all that append. It begins with the first event there is."""

RECORD_BYTES = 1_000_000
"""The largest record, with which a batch is within what brokers take unless they are told otherwise."""

KEPT = ("type", "version", "event_id", "user_id", "class_id", "course_id", "correlation_id")


class IngestTopic:
    """What a server keeps events with, in the topic of learners' events, keyed by learner.

    It connects when it is first used, so that a server starts without Kafka, and says that it is not there.
    """

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._connecting = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None

    async def append(self, events: Sequence[Event]) -> None:
        """Keeps the events: whichever brokers have to have them have them when it returns.

        Raises TooLarge for an event that is more than a broker takes, and Unavailable: some may be kept even so.
        """
        records = [(event.user_id.encode(), to_record(event)) for event in events]
        check_size(record for _, record in records)
        async with translated(self._servers):
            producer = await self._connected()
            try:
                await asyncio.gather(*[await send(producer, key, record) for key, record in records])
            except MessageSizeTooLargeError as error:  # of brokers that were told to take less
                raise BodyTooLargeError(
                    f"expected events that Kafka takes, found one that is larger: {error}"
                ) from error

    async def close(self) -> None:
        """Ends the connection, after what is under way."""
        if self._producer is not None:
            with suppress(KafkaError):
                await self._producer.stop()

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._producer is None:
                self._producer = await started(producer_of(self._servers, request_timeout_ms=ANSWER_MS))
        return self._producer


def check_size(records: Iterable[bytes]) -> None:
    """Raises TooLarge before any of them is sent: of what is refused nothing is kept."""
    largest = max(map(len, records), default=0)
    if largest > RECORD_BYTES:
        raise BodyTooLargeError(f"expected events of at most {RECORD_BYTES} bytes, found one of {largest}")


async def send(producer: AIOKafkaProducer, key: bytes, record: bytes) -> Awaitable[object]:
    """Has a record sent with those that are sent now; what is returned ends when it has arrived."""
    arrives: Awaitable[object] = await producer.send(LEARNER_EVENTS.name, record, key=key)
    return arrives


class EventAppender:
    """What a consumer does with such events: the engine appends and projects them, as it does with those posted."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decode(self, delivery: Delivery) -> Event:
        return to_event(delivery.body)

    async def handle(self, events: Sequence[Event]) -> list[str]:
        """Records them. Those that were there already, the log knows by itself."""
        await self._engine.ingest.submit(events)
        return [InboxStatus.DONE.value] * len(events)


def to_record(event: Event) -> bytes:
    """The event as it was posted, with what the server that took it added: when, and by which door."""
    posted = {name: getattr(event, name) for name in KEPT}
    times = {"occurred_at": to_text(event.occurred_at), "recorded_at": to_text(event.recorded_at)}
    return to_json(posted | times | {"source": event.source, "payload": from_json(event.payload)})


def to_event(record: bytes) -> Event:
    """The event of a record. Raises Refused for what is none: anybody may write to a topic."""
    posted = parse(record, where="record")
    if not isinstance(posted, dict):
        raise InvalidInputError([FieldError("record", "an object", shorten_repr(posted))])
    for field in ADDED:
        if not isinstance(posted.get(field), str):
            raise InvalidInputError([FieldError(field, "text", shorten_repr(posted.get(field)))])
    return validate(posted, time_of(posted["recorded_at"]), posted["source"])


def time_of(text: str) -> datetime:
    try:
        return from_text(text)
    except ValueError as error:
        raise InvalidInputError([FieldError("recorded_at", A_TIME, shorten_repr(text))]) from error
