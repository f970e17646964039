"""Redis Streams as a sink: announcements become entries of a stream of ours, all of a batch or none."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from pydantic_core import from_json

from integrations.contracts.redis import SOURCE
from integrations.inbound.mapping import SystemMapping
from integrations.outbound.sink import DELIVERED, OutboundMessage, Result
from integrations.redis.client import connect, translated
from integrations.redis.encode import encode


class RedisSink:
    """Adds entries at `url`, in the ids of `mapping`, which is asked for each batch anew."""

    def __init__(self, url: str, mapping: Callable[[], SystemMapping]) -> None:
        self.name = SOURCE
        self._url = url
        self._mapping = mapping

    async def __aenter__(self) -> Self:
        self._client = connect(self._url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, announcements: Sequence[OutboundMessage]) -> list[Result]:
        """Adds them in one transaction; if its answer is lost they are added again, under the same ids."""
        mapping = self._mapping()
        with translated():
            async with self._client.pipeline(transaction=True) as pipe:
                for announcement in announcements:
                    outgoing = encode(announcement, mapping)
                    pipe.xadd(outgoing.topic, from_json(outgoing.body))
                await pipe.execute()
        return [DELIVERED] * len(announcements)
