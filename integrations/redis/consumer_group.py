"""A consumer group: those who read the same streams share what comes, and take over what died with one of them."""

import logging
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from integrations.inbound.source import FIRST, Delivery, next_number
from integrations.redis.client import FORGET, WAIT_MS
from integrations.redis.entries import delivery

GONE_AFTER_MS = 3_600_000
"""A consumer that is silent for so long is gone for good."""

log = logging.getLogger(__name__)

IS_THERE = "BUSYGROUP"
IS_GONE = ("NOGROUP", "UNBLOCKED")
"""How Redis says that a group is there already, and that a stream was deleted and its group with it."""

BEGINNING = b"0-0"


class ConsumerGroup:
    """The group `name` of each of `streams`, as one `consumer` of it. Entries count as stale after `claim_ms`."""

    def __init__(self, client: Redis, streams: Sequence[str], name: str, consumer: str, claim_ms: int) -> None:
        self._client = client
        self._streams = streams
        self._name = name
        self._consumer = consumer
        self._claim_ms = claim_ms
        self._number = FIRST

    async def make(self) -> None:
        """Makes it, if it is not there, to read from the beginning; and its streams, too."""
        for stream in self._streams:
            try:
                await self._client.xgroup_create(stream, self._name, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith(IS_THERE):
                    raise

    async def new(self) -> list[Delivery]:
        """Entries that no consumer of the group has had, some of each stream; after a second without any, none."""
        streams: dict[Any, Any] = dict.fromkeys(self._streams, ">")
        found: Any = await self._client.xreadgroup(
            self._name, self._consumer, streams, count=self._number, block=WAIT_MS
        )
        deliveries = [
            delivery(stream.decode(), entry_id, fields)
            for stream, entries in found.items()
            for entry_id, fields in entries
        ]
        self._number = next_number(self._number, deliveries)
        return deliveries

    async def stale(self) -> list[Delivery]:
        """Entries that somebody took and did not settle in time, some of each stream. They are this consumer's now."""
        deliveries = [each for stream in self._streams for each in await self._claimed(stream)]
        if deliveries:
            self._number = next_number(self._number, deliveries)
        return deliveries

    async def tidy(self, *, leave: bool = False) -> None:
        """Removes consumers that are gone, and if it is to `leave` this one, unless they hold anything."""
        leaves = self._consumer if leave else ""
        for stream in self._streams:
            await self._client.eval(FORGET, 1, stream, self._name, leaves, GONE_AFTER_MS)

    async def _claimed(self, stream: str) -> list[Delivery]:
        cursor: bytes = BEGINNING
        entries: list[Any] = []
        while not entries:
            reply = await self._client.xautoclaim(
                stream, self._name, self._consumer, min_idle_time=self._claim_ms, start_id=cursor, count=self._number
            )
            cursor, entries, deleted = reply
            if deleted:
                log.warning("redis: entries of %s were deleted before they were recorded: %d", stream, len(deleted))
            if cursor == BEGINNING:
                break
        attempts = await self._attempts(stream, [entry_id for entry_id, _ in entries])
        return [delivery(stream, entry_id, fields, attempts.get(entry_id, 0)) for entry_id, fields in entries]

    async def _attempts(self, stream: str, entry_ids: Sequence[bytes]) -> dict[bytes, int]:
        """How often each was delivered before this time."""
        async with self._client.pipeline(transaction=False) as pipe:
            for entry_id in entry_ids:
                pipe.xpending_range(stream, self._name, entry_id, entry_id, 1)
            answers = await pipe.execute()
        return {found["message_id"]: found["times_delivered"] - 1 for answer in answers for found in answer}
