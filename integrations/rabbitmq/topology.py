"""What there is on the broker: the platform's exchange, a queue of our own on it, queues to wait in, the dead letters.

All of it survives a crash of the broker, and a message leaves one queue only once the next one has it.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity

from integrations.contracts.rabbitmq import EXCHANGE, TYPES

QUEUE = "lms-progress.events"

DEAD_LETTERS = "edu.events.dlq"
KEPT_MS = 7 * 24 * 60 * 60 * 1000
"""How long the platform keeps dead letters."""

DELAYS_SEC = (10.0, 60.0, 360.0)
"""How long a message that failed waits before its second, third and fourth delivery, which is the last one."""

CRASHES = 20
"""A message that was handed out so often, and never answered for, takes its consumer down: the broker buries it."""

Declare = Callable[[AbstractChannel], Coroutine[Any, Any, object]]


async def declare(connection: AbstractConnection, delays_sec: Sequence[float]) -> None:
    """Makes what is missing. What belongs to the platform is taken as it is found."""
    await declare_exchange(connection)
    await make_if_missing(
        connection,
        lambda channel: channel.get_queue(DEAD_LETTERS),
        lambda channel: channel.declare_queue(
            DEAD_LETTERS, durable=True, arguments={"x-queue-type": "quorum", "x-message-ttl": KEPT_MS}
        ),
    )
    async with connection.channel() as channel:
        arguments = {**dead_lettering_to(DEAD_LETTERS), "x-delivery-limit": CRASHES}
        queue = await channel.declare_queue(QUEUE, durable=True, arguments=arguments)
        for delay_sec in delays_sec:
            arguments = {**dead_lettering_to(QUEUE), "x-message-ttl": round(delay_sec * 1000)}
            await channel.declare_queue(queued(delay_sec), durable=True, arguments=arguments)
        for event_type in TYPES:
            await queue.bind(EXCHANGE, event_type.name)


async def declare_exchange(connection: AbstractConnection) -> None:
    """Makes the platform's exchange if it is missing."""
    await make_if_missing(
        connection,
        lambda channel: channel.get_exchange(EXCHANGE),
        lambda channel: channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True),
    )


async def make_if_missing(connection: AbstractConnection, get: Declare, make: Declare) -> None:
    """Asking for what is missing costs the channel, so each has one of its own."""
    try:
        async with connection.channel() as channel:
            await get(channel)
    except ChannelNotFoundEntity:
        async with connection.channel() as channel:
            await make(channel)


def dead_lettering_to(queue: str) -> dict[str, Any]:
    """Arguments of a queue whose dead letters go to another: at least once, which needs an overflow that refuses."""
    return {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-dead-letter-strategy": "at-least-once",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
    }


def queued(delay_sec: float) -> str:
    """The queue from which messages return to ours after so long. It says how long, as a queue's TTL cannot change."""
    return f"{QUEUE}.retry-{delay_sec:g}s"
