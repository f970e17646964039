"""RabbitMQ as a source: a queue of our own, of which one message is in hand at first, and soon a thousand.

What takes a consumer or its connection down does so again. The broker counts how often, for all that was in hand: so
whoever begins anew begins with one, and the message that does it is buried alone.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from itertools import takewhile
from types import TracebackType
from typing import NamedTuple, Self

from aiormq.abc import DeliveredMessage

from eventstore.errors import UnavailableError
from eventstore.times import Clock, system_clock
from integrations.contracts.rabbitmq import SOURCE
from integrations.inbound.source import BATCH, Delivery
from integrations.rabbitmq.amqp import delivery_of, failed_copy
from integrations.rabbitmq.client import answered, connected
from integrations.rabbitmq.topology import DEAD_LETTERS, DELAYS_SEC, QUEUE, declare, queued

WAIT_SEC = 1.0

IN_HAND = 2 * BATCH
"""The next batch arrives while one is recorded."""


class RabbitmqSource:
    """Takes from our queue. What fails waits for as long as `delays_sec` says, each time longer, and then is buried."""

    name = SOURCE

    def __init__(self, url: str, delays_sec: Sequence[float] = DELAYS_SEC, clock: Clock = system_clock) -> None:
        self._url = url
        self._delays_sec = delays_sec
        self._clock = clock
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
        self._unsettled: dict[int, DeliveredMessage] = {}
        self._is_cancelled = False
        async with AsyncExitStack() as opening, answered(self._url):
            self._connection = await opening.enter_async_context(connected(self._url, "consumer"))
            await declare(self._connection, self._delays_sec)
            self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            self._underlay = await self._channel.get_underlay_channel()
            self._underlay.on_consumer_cancel_callbacks.add(self._cancelled)
            await self._consume(in_hand=1)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def receive(self) -> Sequence[Delivery]:
        if self._underlay.is_closed or self._is_cancelled:
            raise UnavailableError("rabbitmq: expected messages, found the connection or the queue gone")
        taken: list[DeliveredMessage] = []
        try:
            async with asyncio.timeout(WAIT_SEC):
                taken.append(await self._arrived.get())
        except TimeoutError:
            return []
        while len(taken) < BATCH and not self._arrived.empty():
            taken.append(self._arrived.get_nowait())
        deliveries = [delivery_of(message, self._clock()) for message in taken]
        self._unsettled.update((tag(delivery), message) for delivery, message in zip(deliveries, taken, strict=True))
        return deliveries

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        done = set(map(tag, deliveries))
        async with answered(self._url):
            for each in acknowledgements(list(self._unsettled), done):
                await self._underlay.basic_ack(each.tag, multiple=each.multiple)
        for settled in done:
            del self._unsettled[settled]
        if not self._unsettled and self._in_hand < IN_HAND:
            async with answered(self._url):
                await self._underlay.basic_cancel(self._consumer)
                await self._consume(min(2 * self._in_hand, IN_HAND))

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        await self._move(delivery, reason, DEAD_LETTERS)

    async def retry_later(self, delivery: Delivery, reason: str) -> None:
        delays_sec = self._delays_sec[delivery.attempts :]
        await self._move(delivery, reason, queued(delays_sec[0]) if delays_sec else DEAD_LETTERS)

    async def dead_letter_count(self) -> int:
        async with answered(self._url), self._connection.channel() as channel:
            queue = await channel.get_queue(DEAD_LETTERS)
            return queue.declaration_result.message_count or 0

    async def _consume(self, in_hand: int) -> None:
        """Has the broker hand out messages, so many before it waits for us."""
        await self._channel.set_qos(prefetch_count=in_hand)
        consuming = await self._underlay.basic_consume(QUEUE, self._arrived.put)
        self._in_hand, self._consumer = in_hand, consuming.consumer_tag or ""

    async def _move(self, delivery: Delivery, reason: str, queue: str) -> None:
        """The other queue has it, on disk, before it leaves ours."""
        message = failed_copy(self._unsettled[tag(delivery)], delivery, reason)
        async with answered(self._url):
            await self._channel.default_exchange.publish(message, queue, mandatory=True)
        await self.ack([delivery])

    def _cancelled(self, _frame: object) -> None:
        """The broker ends our consuming: somebody has deleted the queue."""
        self._is_cancelled = True


def tag(delivery: Delivery) -> int:
    """By which the channel tells a message from all others."""
    return int(delivery.position)


class Acknowledgement(NamedTuple):
    """Of the message with that tag; if `multiple`, of all before it as well."""

    tag: int
    multiple: bool


def acknowledgements(unsettled: Sequence[int], done: Collection[int]) -> list[Acknowledgement]:
    """`unsettled` are the tags of all messages in hand, in their order; `done` are some of them."""
    first = list(takewhile(done.__contains__, unsettled))
    others = [tag for tag in unsettled[len(first) :] if tag in done]
    together = [Acknowledgement(first[-1], multiple=True)] if first else []
    return together + [Acknowledgement(tag, multiple=False) for tag in others]
