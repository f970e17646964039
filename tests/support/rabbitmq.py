"""A private RabbitMQ for tests: its own node, ports, folder and cookie, and an epmd that nobody else asks.

`scripts/install-system rabbitmq` installs its programs. Debian's wrapper in /usr/sbin starts the system's node, as
another user; the program behind it starts one of ours.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aio_pika
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from tests.support import missing_service
from tests.support.private_server import PrivateServer, takes_connections

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

# epmd and the node are one session, which is killed as one.
COMMAND = ("sh", "-c", f"epmd & exec {PROGRAM} -noinput")
SETTINGS = {
    "HOME": "{folder}",
    "LC_ALL": "C.UTF-8",
    "ERL_EPMD_ADDRESS": "127.0.0.1",
    "ERL_EPMD_PORT": "{port1}",
    "RABBITMQ_NODENAME": "lms@localhost",
    "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
    "RABBITMQ_NODE_PORT": "{port0}",
    "RABBITMQ_DIST_PORT": "{port2}",
    # Schedulers that have nothing to do sleep: the processors are shared with the tests.
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
    "RABBITMQ_MNESIA_BASE": "{folder}/data",
    "RABBITMQ_LOG_BASE": "{folder}",
    "RABBITMQ_LOGS": "-",
    "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    "RABBITMQ_CONFIG_FILE": "{folder}/rabbitmq.conf",
    "RABBITMQ_ADVANCED_CONFIG_FILE": "{folder}/advanced.config",
    "RABBITMQ_ENABLED_PLUGINS_FILE": "{folder}/enabled_plugins",
    "RABBITMQ_ALLOW_INPUT": "1",  # without it a shell stands between us and the node
}

PATIENCE_SEC = 30


class RabbitmqServer(PrivateServer):
    """One node. Messages that it confirmed outlive kill and start; a binding that it made just before may not."""

    def __init__(self) -> None:
        super().__init__("rabbitmq", COMMAND, takes_connections, ports=3, environment=SETTINGS)

    @property
    def url(self) -> str:
        """As LMS_RABBITMQ_URL names it."""
        return f"amqp://127.0.0.1:{self.port}/"

    def delete(self, queues: Iterable[str], exchanges: Iterable[str] = ()) -> None:
        """Deletes these queues, whatever they have, and these exchanges with their bindings."""

        async def delete() -> None:
            async with self.channel() as channel:
                for queue in queues:
                    await channel.queue_delete(queue)
                for exchange in exchanges:
                    await channel.exchange_delete(exchange)

        asyncio.run(delete())

    def bind(self, queue: str, exchange: str, keys: Iterable[str], **arguments: int | str) -> None:
        """A service of the platform has an empty queue of that name, bound to the exchange for these keys."""
        self.delete([queue])
        self.bind_again(queue, exchange, keys, **arguments)

    def bind_again(self, queue: str, exchange: str, keys: Iterable[str], **arguments: int | str) -> None:
        """That service connects once more, and declares what it needs: what is there stays as it is."""

        async def bind() -> None:
            async with self.channel() as channel:
                await channel.declare_exchange(exchange, ExchangeType.TOPIC, durable=True)
                made = await channel.declare_queue(queue, durable=True, arguments={**arguments})
                for key in keys:
                    await made.bind(exchange, key)

        asyncio.run(bind())

    def has(self, queue: str) -> bool:
        """Whether there is a queue of that name."""
        return asyncio.run(self._messages(queue)) is not None

    def count(self, queues: Iterable[str]) -> dict[str, int]:
        """How many messages each of these queues has, apart from those that somebody has in hand."""

        async def count() -> dict[str, int]:
            return {queue: await self._messages(queue) or 0 for queue in queues}

        return asyncio.run(count())

    def drain(self, queue: str) -> list[AbstractIncomingMessage]:
        """Takes all that a queue has."""

        async def drain() -> list[AbstractIncomingMessage]:
            async with self.channel() as channel:
                found = await channel.get_queue(queue)
                number = found.declaration_result.message_count or 0
                return [await found.get(no_ack=True) for _ in range(number)]

        return asyncio.run(drain())

    def publish(self, exchange: str, messages: Iterable[tuple[str, bytes]], **properties: Any) -> None:
        """Publishes bodies by their routing keys, and returns when the broker has confirmed them."""
        asyncio.run(self.publish_all(exchange, messages, properties))

    async def publish_all(
        self, exchange: str, messages: Iterable[tuple[str, bytes]], properties: Mapping[str, Any]
    ) -> None:
        """The same, inside a loop. Raises what aio-pika raises if the broker goes away."""
        async with self.channel() as channel:
            found = await channel.get_exchange(exchange, ensure=False)
            made = [(key, Message(body, delivery_mode=DeliveryMode.PERSISTENT, **properties)) for key, body in messages]
            await asyncio.gather(*(found.publish(message, key, mandatory=True) for key, message in made))

    async def _messages(self, queue: str) -> int | None:
        """How many a queue has; None if there is none of that name."""
        try:
            async with self.channel() as channel:
                return (await channel.get_queue(queue)).declaration_result.message_count
        except ChannelNotFoundEntity:
            return None

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel of a connection of its own. What is returned to it raises."""
        connection = await aio_pika.connect(self.url, timeout=PATIENCE_SEC)
        async with connection, connection.channel(on_return_raises=True) as channel:
            yield channel


@contextmanager
def required_rabbitmq() -> Iterator[RabbitmqServer]:
    """A started broker, for a fixture: where there is none, its tests skip, unless services are required."""
    if not PROGRAM.exists():
        missing_service(f"no RabbitMQ server: found no {PROGRAM}")
    server = RabbitmqServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()
