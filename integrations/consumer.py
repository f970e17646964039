"""The consumer: takes messages from a broker, has them recorded, and says only then that they are done with.

One serves all brokers, which differ in their source alone. What was taken and not settled comes again: whoever records
it tells repeats from what is new, so each message counts once.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Generic, NamedTuple

from eventstore.errors import Refused, TooLarge, Unavailable
from integrations.backoff import Backoff
from integrations.fault import fault
from integrations.metrics import CONSUMED, DEAD_LETTERS, PROCESSING_ERRORS, PROCESSING_SECONDS, UNREAD
from integrations.receiver import Item, Receiver
from integrations.source import Delivery, Source

RECORDING_SEC = 30
"""A batch that takes longer is a database that does not answer: it is tried again."""

LOOK_EVERY_SEC = 15.0
"""How often the dead letters are counted."""

LONGEST_REASON = 2_000
"""So much of a reason goes to a dead letter: a database's can quote whole statements."""

log = logging.getLogger(__name__)


class Taken(NamedTuple, Generic[Item]):
    """A delivery, and what it says."""

    delivery: Delivery
    item: Item


class Consumer(Generic[Item]):
    """Has `receiver` take what `source` has. Messages of more than `largest` bytes are not read."""

    def __init__(self, source: Source, receiver: Receiver[Item], largest: int) -> None:
        self._source = source
        self._receiver = receiver
        self._largest = largest
        self._trouble: str | None = None
        self._count_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Consumes until `stopping` is set, and then ends the batch under way."""
        backoff = Backoff(stopping)
        while not stopping.is_set():
            try:
                async with self._source:
                    while not stopping.is_set():
                        await self._consume(await self._source.take(), stopping)
                        await self._count_dead_letters()
                        backoff.reset()
                        self._tell(None)
            except Unavailable as error:
                self._tell(str(error))
            except Exception as error:  # whatever it is, what comes after it is consumed
                self._tell(f"expected no fault, found one: {fault(error)}")
            await backoff.pause()

    async def _consume(self, deliveries: Sequence[Delivery], stopping: asyncio.Event) -> None:
        taken_at = time.monotonic()
        batch = [taken for delivery in deliveries if (taken := await self._try_to_read(delivery)) is not None]
        if batch:
            await self._record(batch, taken_at, stopping)

    async def _try_to_read(self, delivery: Delivery) -> Taken[Item] | None:
        """None if there is nothing to record: the message is a dead letter, or comes again."""
        try:
            if len(delivery.body) > self._largest:
                raise TooLarge(f"expected at most {self._largest} bytes, found {len(delivery.body)}")
            return Taken(delivery, self._receiver.read(delivery))
        except Refused as reason:
            log.warning("%s: %s %s is buried as a dead letter", self._source.name, delivery.topic, delivery.position)
            await self._source.bury(delivery, str(reason))
            self._count_error(UNREAD, "refused")
        except Exception as error:  # a fault of ours: another version of this program may read it
            await self._give_back(delivery, error, UNREAD)
        return None

    async def _record(self, batch: Sequence[Taken[Item]], taken_at: float, stopping: asyncio.Event) -> None:
        """Has a batch recorded, and settles it. One that fails is halved, down to the message that it fails for."""
        try:
            outcomes = await self._receive_patiently([taken.item for taken in batch], stopping)
        except Unavailable:
            raise
        except Exception as error:
            if len(batch) == 1:
                return await self._give_back(batch[0].delivery, error, batch[0].item.type)
            half = len(batch) // 2
            await self._record(batch[:half], taken_at, stopping)
            return await self._record(batch[half:], taken_at, stopping)
        await self._source.settle([taken.delivery for taken in batch])
        self._count(batch, outcomes, time.monotonic() - taken_at)
        return None

    async def _receive_patiently(self, items: Sequence[Item], stopping: asyncio.Event) -> Sequence[str]:
        """What became of each. Keeps them in hand while the database cannot be had; Unavailable only when stopping."""
        backoff = Backoff(stopping)
        while True:
            try:
                async with asyncio.timeout(RECORDING_SEC):
                    return await self._receiver.receive(items)
            except (Unavailable, TimeoutError) as error:
                reason = str(error) or f"expected to record them within {RECORDING_SEC} s, found it takes longer"
                if stopping.is_set():
                    raise Unavailable(reason) from error
                self._tell(reason)
            await backoff.pause()

    async def _give_back(self, delivery: Delivery, error: Exception, kind: str) -> None:
        name, attempt = self._source.name, delivery.attempts + 1
        log.error("%s: %s %s failed, attempt %d: %s", name, delivery.topic, delivery.position, attempt, fault(error))
        await self._source.give_back(delivery, f"{type(error).__name__}: {error}"[:LONGEST_REASON])
        self._count_error(kind, "failed")

    def _count(self, batch: Sequence[Taken[Item]], outcomes: Sequence[str], seconds: float) -> None:
        for taken, outcome in zip(batch, outcomes, strict=True):
            CONSUMED.labels(self._source.name, taken.item.type, outcome).inc()
            PROCESSING_SECONDS.labels(self._source.name, taken.item.type).observe(seconds)

    def _count_error(self, kind: str, outcome: str) -> None:
        CONSUMED.labels(self._source.name, kind, outcome).inc()
        PROCESSING_ERRORS.labels(self._source.name, kind).inc()

    async def _count_dead_letters(self) -> None:
        if time.monotonic() >= self._count_at:
            DEAD_LETTERS.labels(self._source.name).set(await self._source.count_buried())
            self._count_at = time.monotonic() + LOOK_EVERY_SEC

    def _tell(self, trouble: str | None) -> None:
        """Says once why nothing is consumed, however often it is tried, and when something is again."""
        if trouble == self._trouble:
            return
        if trouble is None:
            log.warning("%s: messages are consumed again", self._source.name)
        else:
            log.warning("%s: no messages are consumed: %s", self._source.name, trouble)
        self._trouble = trouble
