"""Connections to RabbitMQ. Whatever keeps us from using one is Unavailable: the same again later will do."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, InvalidFrameError
from yarl import URL

from eventstore.errors import UnavailableError

ANSWER_SEC = 30
CLOSE_SEC = 5
HEARTBEAT_SEC = 20
"""A broker that says nothing for about three times as long is taken for lost."""

BROKEN = (AMQPError, ChannelInvalidStateError, OSError)
"""What aio-pika raises when a broker is away, goes away or refuses. A timeout is an OSError."""

logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # what goes wrong is told once, by whoever tries again


@asynccontextmanager
async def connected(url: str, purpose: str) -> AsyncIterator[AbstractConnection]:
    """An open connection, which the broker lists by its purpose. Closing it raises nothing."""
    address = URL(url)
    connection = aio_pika.Connection(
        address.with_query({"heartbeat": str(HEARTBEAT_SEC), **address.query}),
        client_properties={"connection_name": f"lms-progress {purpose}"},
    )
    try:
        await connect(connection)
        yield connection
    finally:
        with suppress(*BROKEN):
            async with asyncio.timeout(CLOSE_SEC):
                await connection.close()


async def connect(connection: aio_pika.Connection) -> None:
    try:
        await connection.connect()
    except InvalidFrameError as error:  # how aio-pika tells of it
        raise ConnectionError(f"no virtual host {connection.url.path[1:] or '/'} that we may use") from error


@asynccontextmanager
async def answered(url: str) -> AsyncIterator[None]:
    """Around what is asked of the broker at that URL: Unavailable for what it refuses, or does not answer in time."""
    try:
        async with asyncio.timeout(ANSWER_SEC):
            yield
    except BROKEN as error:
        raise UnavailableError(
            f"rabbitmq: expected a broker at {redacted_address(url)}, found {error_text(error)}"
        ) from error


def redacted_address(url: str) -> str:
    """Where a broker is, without who asks it."""
    address = URL(url)
    return f"{address.host}:{address.port}" if address.port else f"{address.host}"


def error_text(error: BaseException) -> str:
    """The same words for the same trouble: it is told once."""
    if isinstance(error, ChannelInvalidStateError):
        return "the connection closed"
    return str(error) or f"no answer in {ANSWER_SEC} s"
