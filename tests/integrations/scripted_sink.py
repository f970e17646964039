"""A sink in memory whose failures a test scripts, and helpers for tests of the relay."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from engine.engine import Engine
from eventstore.db.database import Database
from eventstore.times import Clock
from integrations.outbound.relay import Relay
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result, Sinks, SinkSpec
from integrations.runtime.limits import Limits
from integrations.views import delivery_list
from integrations.views.delivery_list import DeliveryItem
from integrations.webhook.subscriptions import Subscription
from signals.signal import SignalType
from tests.engine.support import at, ping, step

LOOK_EVERY_SEC = 0.01
LOOKS = 12_000
"""After so many looks a test fails. No test that succeeds waits as long."""

SHORT_PAUSES = Limits(shortest_pause_sec=0.001, longest_pause_sec=0.01)

ALL = frozenset(kind.value for kind in SignalType)


class Content(NamedTuple):
    """The content of a message, in short. The subject is a class, or else a course."""

    user_id: str
    type: str
    subject: object


class ScriptedSink:
    """Stores the messages that it delivers.

    `refuses` returns the error of a message, or None. `is_final` says whether the error is final. `errors` are raised
    instead of sending a batch, in their order.
    """

    def __init__(self, name: str = "scripted", types: frozenset[str] = ALL) -> None:
        self.name = name
        self.types = types
        self.delivered: list[OutboundMessage] = []
        self.refused: list[OutboundMessage] = []
        self.batches: list[int] = []
        self.opened = 0
        self.errors: deque[BaseException] = deque()
        self.refuses: Callable[[OutboundMessage], str | None] = lambda _: None
        self.is_final: Callable[[OutboundMessage], bool] = lambda _: False

    @property
    def spec(self) -> SinkSpec:
        return SinkSpec(self.name, self.name, self.types, lambda: self)

    @property
    def contents(self) -> list[Content]:
        return [Content(one.user_id, one.type, one.body["class_id"] or one.body["course_id"]) for one in self.delivered]

    async def __aenter__(self) -> Self:
        self.opened += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def send(self, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
        self.batches.append(len(messages))
        if self.errors:
            raise self.errors.popleft()
        return list(self._attempt_all(messages))

    def _attempt_all(self, messages: Sequence[OutboundMessage]) -> Iterator[Result]:
        blocked: set[str] = set()
        for message in messages:
            result = NOT_ATTEMPTED if message.user_id in blocked else self._attempt(message)
            if result.blocks_later:
                blocked.add(message.user_id)
            yield result

    def _attempt(self, message: OutboundMessage) -> Result:
        error = self.refuses(message)
        if error is None:
            self.delivered.append(message)
            return Result(receipt=f"number {len(self.delivered)}")
        self.refused.append(message)
        return Result(error, is_final=self.is_final(message))


def relay_to(database: Database, clock: Clock, *sinks: ScriptedSink, limits: Limits = SHORT_PAUSES) -> Relay:
    """Return a relay to these sinks only."""
    return Relay(database, Sinks([sink.spec for sink in sinks], no_webhook), clock, limits)


def no_webhook(subscription: Subscription) -> SinkSpec:
    raise AssertionError(subscription)


async def complete(engine: Engine, *class_ids: str, user_id: str = "ada") -> None:
    """Submit the videos of these classes as watched, in one submission."""
    await engine.ingest.submit([ping(at(0), user_id=user_id, class_id=class_id) for class_id in class_ids])


async def publish(engine: Engine, course_id: str, *class_ids: str) -> None:
    """Publish a course whose steps require their videos."""
    await engine.publish(course_id, course_id, tuple(step(class_id) for class_id in class_ids))


async def deliveries(engine: Engine) -> list[DeliveryItem]:
    """Return all deliveries, in the order of their messages."""
    async with engine.database.read() as connection:
        return sorted((await delivery_list.read(connection, 1_000)).items, key=lambda item: (item.seq, item.sink))


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds that a task makes true."""
    for _ in range(LOOKS):
        if holds():
            return
        await asyncio.sleep(LOOK_EVERY_SEC)
    raise AssertionError("the condition never held")
