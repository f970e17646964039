"""Kafka as a sink: announcements go to a topic of ours, keyed by learner, so that each learner's stay in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from aiokafka.errors import KafkaError

from integrations.contracts.kafka import SOURCE
from integrations.inbound.mapping import SystemMapping
from integrations.kafka.client import producer_of, started, translated
from integrations.kafka.encode import encode
from integrations.outbound.sink import DELIVERED, OutboundMessage, Result


class KafkaSink:
    """A producer from which the brokers take each message once, however often it has to send it."""

    def __init__(self, servers: str, mapping: Callable[[], SystemMapping]) -> None:
        self.name = SOURCE
        self._servers = servers
        self._mapping = mapping

    async def __aenter__(self) -> Self:
        async with translated(self._servers):
            self._producer = await started(producer_of(self._servers))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(KafkaError):
            await self._producer.stop()

    async def send(self, announcements: Sequence[OutboundMessage]) -> list[Result]:
        """Sends them in the order given, which each partition keeps. The answers are waited for together."""
        mapping = self._mapping()
        async with translated(self._servers):
            await asyncio.gather(*[await self._send(announcement, mapping) for announcement in announcements])
        return [DELIVERED] * len(announcements)

    async def _send(self, announcement: OutboundMessage, mapping: SystemMapping) -> Awaitable[object]:
        outgoing = encode(announcement, mapping)
        arrives: Awaitable[object] = await self._producer.send(
            outgoing.topic, outgoing.body, key=announcement.user_id.encode()
        )
        return arrives
