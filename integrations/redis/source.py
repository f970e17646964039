"""Redis Streams as a source.

Redis counts the deliveries of an entry. Only one that failed for itself is buried for their number: deliveries that
were lost with a consumer that was killed say nothing against it.
"""

import os
import secrets
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from redis.exceptions import RedisError, ResponseError

from eventstore.times import system_clock, to_text
from integrations.contracts.redis import SOURCE, TYPES
from integrations.inbound.source import ATTEMPTS, BATCH, Delivery
from integrations.redis.client import BURY, connect, translated
from integrations.redis.consumer_group import IS_GONE, ConsumerGroup

DEAD_LETTERS = "lms_progress_dead"
"""The stream of dead letters: `stream`, `id`, `fields` as a JSON object, `reason`, `time`."""


class RedisSource:
    """The streams at `url`, read as the consumer group `group`.

    What a consumer has taken and not settled for `claim_sec` seconds is taken over from it.
    """

    def __init__(self, url: str, group: str, claim_sec: float) -> None:
        self.name = SOURCE
        self._url = url
        self._group_name = group
        self._claim_sec = claim_sec
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"

    async def __aenter__(self) -> Self:
        self._client = connect(self._url)
        self._group = ConsumerGroup(
            self._client, tuple(TYPES), self._group_name, self._consumer, claim_ms=int(self._claim_sec * 1000)
        )
        self._waiting: list[Delivery] = []
        self._look_at = 0.0
        try:
            with translated():
                await self._group.make()
        except BaseException:
            await self._client.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(RedisError, OSError):
            await self._group.tidy(leave=True)
        with suppress(RedisError, OSError):
            await self._client.aclose()

    async def receive(self) -> Sequence[Delivery]:
        with translated():
            if not self._waiting:
                try:
                    self._waiting = await self._stale() or await self._group.new()
                except ResponseError as error:
                    if not str(error).startswith(IS_GONE):
                        raise
                    await self._group.make()
        taken, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        return taken

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        with translated():
            for stream in TYPES:
                ids = [delivery.position for delivery in deliveries if delivery.topic == stream]
                if ids:
                    await self._client.xack(stream, self._group_name, *ids)

    async def dead_letter(self, delivery: Delivery, reason: str) -> None:
        said = (delivery.position, delivery.body, reason, to_text(system_clock()))
        with translated():
            await self._client.eval(BURY, 2, delivery.topic, DEAD_LETTERS, self._group_name, *said)

    async def retry_later(self, delivery: Delivery, reason: str) -> None:
        """It stays pending, so that it comes again like what died with its consumer."""
        if delivery.attempts + 1 >= ATTEMPTS:
            await self.dead_letter(delivery, reason)

    async def dead_letter_count(self) -> int:
        with translated():
            return await self._client.xlen(DEAD_LETTERS)

    async def _stale(self) -> list[Delivery]:
        """Stale entries, if it is time to look for them. While there are any, it is."""
        if time.monotonic() < self._look_at:
            return []
        found = await self._group.stale()
        if not found:
            await self._group.tidy()
            self._look_at = time.monotonic() + self._claim_sec / 2
        return found
