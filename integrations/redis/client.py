"""The client of Redis, whose trouble comes out as Unavailable. It tries nothing again: who called it knows what to."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from eventstore.errors import UnavailableError

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
        raise UnavailableError(f"expected an answer from Redis, found: {error}") from error


BURY = """
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 1 then
  redis.call('XADD', KEYS[2], '*', 'stream', KEYS[1], 'id', ARGV[2], 'fields', ARGV[3], 'reason', ARGV[4],
    'time', ARGV[5])
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
end
"""
"""Moves an entry of a stream to the dead letters, once, whoever else has it in hand.

Keys: its stream, the dead letters'. Arguments: the group, the entry's id, its fields, the reason, the time.
"""

FORGET = """
for _, said in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local consumer = {}
  for place = 1, #said, 2 do consumer[said[place]] = said[place + 1] end
  local is_gone = consumer.name == ARGV[2] or consumer.idle >= tonumber(ARGV[3])
  if is_gone and consumer.pending == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
  end
end
"""
"""Removes consumers that hold nothing: the one named, and those that were not heard of for a while.

With what it holds a consumer may not be removed: Redis would forget that, too. Key: the stream. Arguments: the group,
the consumer that ends, after how many milliseconds of silence others are taken for gone.
"""
