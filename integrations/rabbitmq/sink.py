"""RabbitMQ as a sink: announcements become events on the platform's exchange, each confirmed by the broker.

An event that no queue is bound for is refused here, and not dropped: it is for the relay to try it again.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aio_pika import DeliveryMode, Message
from aio_pika.exceptions import DeliveryError, PublishError

from integrations.contracts.rabbitmq import EXCHANGE, SOURCE
from integrations.inbound.mapping import SystemMapping
from integrations.outbound.batch_sender import send_in_order
from integrations.outbound.sink import DELIVERED, OutboundMessage, Outgoing, Result
from integrations.rabbitmq.client import answered, connected
from integrations.rabbitmq.encode import encode
from integrations.rabbitmq.topology import declare_exchange

APP_ID = "lms-progress"


class RabbitmqSink:
    """Publishes those of one learner one after the other, those of several at once."""

    name = SOURCE

    def __init__(self, url: str, mapping: Callable[[], SystemMapping]) -> None:
        self._url = url
        self._mapping = mapping
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening, answered(self._url):
            connection = await opening.enter_async_context(connected(self._url, "relay"))
            await declare_exchange(connection)
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            self._exchange = await channel.get_exchange(EXCHANGE, ensure=False)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def send(self, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
        mapping = self._mapping()
        async with answered(self._url):
            return await send_in_order(announcements, lambda one: self._publish(one, encode(one, mapping)))

    async def _publish(self, announcement: OutboundMessage, outgoing: Outgoing) -> Result:
        try:
            await self._exchange.publish(message(announcement, outgoing), outgoing.topic, mandatory=True)
        except PublishError:
            return Result(f"expected a queue that is bound to {EXCHANGE} for {outgoing.topic}, found none")
        except DeliveryError:
            expected = f"the queues bound to {EXCHANGE} for {outgoing.topic} to take it"
            return Result(f"expected {expected}, found that one refuses")
        return DELIVERED


def message(announcement: OutboundMessage, outgoing: Outgoing) -> Message:
    """As the platform's services publish. Receivers tell repeats by the message's id."""
    return Message(
        outgoing.body,
        delivery_mode=DeliveryMode.PERSISTENT,
        content_type="application/json",
        message_id=announcement.message_id,
        correlation_id=announcement.message_id,
        timestamp=announcement.created_at,
        type=outgoing.type,
        app_id=APP_ID,
    )
