"""The client of Redis, whose trouble comes out as Unavailable. It tries nothing again: who called it knows what to."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from eventstore.errors import Unavailable

WAIT_MS = 1000
"""How long Redis waits for the first new entry."""

ANSWER_SEC = 10.0
"""When a connection on which nothing comes is given up, which has to be later than that."""


def connect(url: str) -> Redis:
    """A client, which connects when it is first used. Raises ValueError for a URL that is none of Redis."""
    return Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=ANSWER_SEC,
        socket_connect_timeout=ANSWER_SEC,
        legacy_responses=False,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Whatever Redis refuses or cannot do, as Unavailable: none of it is the fault of one message."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise Unavailable(f"expected an answer from Redis, found: {error}") from error
