"""A sink in memory that does as it is told, and what a relay made of the outbox."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from engine.engine import Engine
from eventstore.db.database import Database
from eventstore.times import Clock
from integrations.outbound.relay import Relay
from integrations.outbound.sink import NOT_ATTEMPTED, OutboundMessage, Result, SinkSpec
from integrations.outbound.sinks import Sinks
from integrations.views import delivery_list
from integrations.views.delivery_list import DeliveryItem
from integrations.webhook.subscriptions import Subscription
from signals.signal import SignalType
from tests.engine.support import at, ping, step

LOOK_EVERY_SEC = 0.01
LOOKS = 12_000
"""After so many something is taken for stuck. No test waits for it unless it fails."""

ALL = frozenset(kind.value for kind in SignalType)


class Arrived(NamedTuple):
    """What an announcement said, in short."""

    user_id: str
    type: str
    of: object


class ScriptedSink:
    """Keeps what arrives. `refuses` says of an announcement why it does not, for good where it is `is_final`.

    `troubles` are raised, the first first.
    """

    def __init__(self, name: str = "scripted", types: frozenset[str] = ALL) -> None:
        self.name = name
        self.types = types
        self.arrived: list[OutboundMessage] = []
        self.refused: list[OutboundMessage] = []
        self.batches: list[int] = []
        self.opened = 0
        self.troubles: deque[BaseException] = deque()
        self.refuses: Callable[[OutboundMessage], str | None] = lambda _: None
        self.is_final: Callable[[OutboundMessage], bool] = lambda _: False

    @property
    def known(self) -> SinkSpec:
        return SinkSpec(self.name, self.name, self.types, lambda: self)

    @property
    def told(self) -> list[Arrived]:
        return [Arrived(one.user_id, one.type, one.body["class_id"] or one.body["course_id"]) for one in self.arrived]

    async def __aenter__(self) -> Self:
        self.opened += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def send(self, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
        self.batches.append(len(announcements))
        if self.troubles:
            raise self.troubles.popleft()
        return list(self._take(announcements))

    def _take(self, announcements: Sequence[OutboundMessage]) -> Iterator[Result]:
        failed: set[str] = set()
        for one in announcements:
            result = NOT_ATTEMPTED if one.user_id in failed else self._try(one)
            if result.blocks_later:
                failed.add(one.user_id)
            yield result

    def _try(self, one: OutboundMessage) -> Result:
        reason = self.refuses(one)
        if reason is None:
            self.arrived.append(one)
            return Result(receipt=f"number {len(self.arrived)}")
        self.refused.append(one)
        return Result(reason, is_final=self.is_final(one))


def relay_to(database: Database, clock: Clock, *sinks: ScriptedSink) -> Relay:
    """A relay to these sinks alone."""
    return Relay(database, Sinks([sink.known for sink in sinks], no_webhook), clock)


def no_webhook(subscription: Subscription) -> SinkSpec:
    raise AssertionError(subscription)


async def complete(engine: Engine, *class_ids: str, user_id: str = "ada") -> None:
    """A learner watches the videos of these classes, in one submission."""
    await engine.ingest.submit([ping(at(0), user_id=user_id, class_id=class_id) for class_id in class_ids])


async def publish(engine: Engine, course_id: str, *class_ids: str) -> None:
    """A course whose steps ask for their videos."""
    await engine.publish(course_id, course_id, tuple(step(class_id) for class_id in class_ids))


async def deliveries(engine: Engine) -> list[DeliveryItem]:
    """All of them, in the order in which they were announced."""
    async with engine.database.read() as connection:
        return sorted((await delivery_list.read(connection, 1_000)).items, key=lambda item: (item.seq, item.sink))


async def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds that a task brings about."""
    for _ in range(LOOKS):
        if holds():
            return
        await asyncio.sleep(LOOK_EVERY_SEC)
    raise AssertionError("it never came about")
