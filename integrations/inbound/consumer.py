"""The consumer: takes messages from a broker, has them recorded, and says only then that they are done with.

One serves all brokers, which differ in their source alone. What was taken and not settled comes again: whoever records
it tells repeats from what is new, so each message counts once.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Generic, NamedTuple

from eventstore.errors import BodyTooLargeError, RequestError, UnavailableError, shorten_repr
from eventstore.outage_log import OutageLog
from eventstore.redaction import fault
from integrations.inbound.handler import Handler, Item
from integrations.inbound.source import Delivery, Source, split_by_bytes
from integrations.runtime.backoff import Backoff
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.runtime.metrics import DEAD_LETTERS, FAILED, REFUSED, UNREAD, count_error, count_recorded

RECORDING_SEC = 30
"""A batch that takes longer is a database that does not answer: it is tried again."""

LOOK_EVERY_SEC = 15.0
"""How often the dead letters are counted."""

LONGEST_REASON = 2_000
"""So much of a reason goes to a dead letter: a database's can quote whole statements."""

log = logging.getLogger(__name__)


class DecodedDelivery(NamedTuple, Generic[Item]):
    """A delivery, and what it says."""

    delivery: Delivery
    item: Item


class Consumer(Generic[Item]):
    """Has `receiver` take what `source` has. Messages of more than `largest` bytes are not read."""

    def __init__(self, source: Source, receiver: Handler[Item], largest: int, limits: Limits = DEFAULT_LIMITS) -> None:
        self._source = source
        self._receiver = receiver
        self._largest = largest
        self._limits = limits
        self._trouble = OutageLog(
            log, f"{source.name}: no messages are consumed", f"{source.name}: messages are consumed again"
        )
        self._count_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Consumes until `stopping` is set, and then ends the batch under way."""
        backoff = Backoff(stopping, self._limits)
        while not stopping.is_set():
            try:
                async with self._source:
                    while not stopping.is_set():
                        await self._consume(await self._source.receive(), stopping)
                        await self._count_dead_letters()
                        backoff.reset()
                        self._trouble.recovered()
            except UnavailableError as error:
                self._trouble.report(str(error))
            except Exception as error:  # whatever it is, what comes after it is consumed
                self._trouble.report(f"expected no fault, found one: {fault(error)}")
            await backoff.pause()

    async def _consume(self, deliveries: Sequence[Delivery], stopping: asyncio.Event) -> None:
        taken_at = time.monotonic()
        for part in split_by_bytes(deliveries):
            batch = [taken for delivery in part if (taken := await self._try_to_read(delivery)) is not None]
            if batch:
                await self._record(batch, taken_at, stopping)
            if stopping.is_set():
                return

    async def _try_to_read(self, delivery: Delivery) -> DecodedDelivery[Item] | None:
        """None if there is nothing to record: the message is a dead letter, or comes again."""
        try:
            if len(delivery.body) > self._largest:
                raise BodyTooLargeError(f"expected at most {self._largest} bytes, found {len(delivery.body)}")
            return DecodedDelivery(delivery, self._receiver.decode(delivery))
        except RequestError as reason:
            await self._source.dead_letter(delivery, str(reason))
            log.warning("%s: %s is buried as a dead letter", self._source.name, name_of(delivery))
            count_error(self._source.name, UNREAD, REFUSED)
        except Exception as error:  # a fault of ours: another version of this program may read it
            await self._retry_later(delivery, error, UNREAD)
        return None

    async def _record(self, batch: Sequence[DecodedDelivery[Item]], taken_at: float, stopping: asyncio.Event) -> None:
        """Has a batch recorded, and settles it. One that fails is halved, down to the message that it fails for."""
        try:
            outcomes = await self._receive_patiently([taken.item for taken in batch], stopping)
        except UnavailableError:
            raise
        except Exception as error:
            if len(batch) == 1:
                return await self._retry_later(batch[0].delivery, error, batch[0].item.type)
            half = len(batch) // 2
            await self._record(batch[:half], taken_at, stopping)
            return await self._record(batch[half:], taken_at, stopping)
        await self._source.ack([taken.delivery for taken in batch])
        self._count(batch, outcomes, time.monotonic() - taken_at)
        return None

    async def _receive_patiently(self, items: Sequence[Item], stopping: asyncio.Event) -> Sequence[str]:
        """What became of each. Keeps them in hand while the database cannot be had; Unavailable only when stopping."""
        backoff = Backoff(stopping, self._limits)
        while True:
            try:
                async with asyncio.timeout(RECORDING_SEC):
                    return await self._receiver.handle(items)
            except (UnavailableError, TimeoutError) as error:
                reason = str(error) or f"expected to record them within {RECORDING_SEC} s, found it takes longer"
                if stopping.is_set():
                    raise UnavailableError(reason) from error
                self._trouble.report(reason)
            await backoff.pause()

    async def _retry_later(self, delivery: Delivery, error: Exception, kind: str) -> None:
        name, message, attempt = self._source.name, name_of(delivery), delivery.attempts + 1
        log.error("%s: %s failed, attempt %d: %s", name, message, attempt, fault(error))
        await self._source.retry_later(delivery, f"{type(error).__name__}: {error}"[:LONGEST_REASON])
        count_error(name, kind, FAILED)

    def _count(self, batch: Sequence[DecodedDelivery[Item]], outcomes: Sequence[str], seconds: float) -> None:
        for taken, outcome in zip(batch, outcomes, strict=True):
            count_recorded(self._source.name, taken.item.type, outcome, seconds)

    async def _count_dead_letters(self) -> None:
        if time.monotonic() >= self._count_at:
            DEAD_LETTERS.labels(self._source.name).set(await self._source.dead_letter_count())
            self._count_at = time.monotonic() + LOOK_EVERY_SEC


def name_of(delivery: Delivery) -> str:
    """Where a message was found, and what its sender's log calls it, where the broker says."""
    place = f"{delivery.topic} {delivery.position}"
    known_as = delivery.correlation_id
    return place if known_as is None else f"{place}, correlation id {shorten_repr(known_as)}"
