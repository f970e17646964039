"""The sink of one subscription: POSTs what is announced to its URL, signed, and a few at a time.

A 2xx says that it arrived, 410 that the receiver is gone for good. Redirects are not followed: who moves, subscribes
anew.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from eventstore.errors import UnavailableError
from eventstore.times import Clock
from integrations.outbound.batch_sender import send_in_order
from integrations.outbound.sink import DELIVERED, NOT_ATTEMPTED, OutboundMessage, Result
from integrations.webhook.encode import content, headers_of
from integrations.webhook.ssrf import PrivateAddressError, PublicTransport
from integrations.webhook.subscriptions import Subscription

AT_ONCE = 4
"""So many requests at most are under way to one receiver."""

ANSWER_SEC = 10.0
BATCH_SEC = 20.0
"""After so long, no more of a batch is sent: what has arrived by then is to be noted."""

ANSWER_BYTES = 65_536
"""So much of an answer is read, so that its connection can be used again; nothing in it matters."""

Gone = Callable[[], Awaitable[None]]
"""Called when the receiver says that it is gone."""


class WebhookSink:
    """A subscription's URL, while it is open."""

    def __init__(self, subscription: Subscription, gone: Gone, clock: Clock, *, private: bool) -> None:
        self.name = subscription.subscription_id
        self._subscription = subscription
        self._gone = gone
        self._clock = clock
        self._transport = httpx.AsyncHTTPTransport if private else PublicTransport
        self._is_gone = False

    async def __aenter__(self) -> Self:
        limits = httpx.Limits(max_connections=AT_ONCE)
        transport = self._transport(verify=trusted(), trust_env=False, limits=limits)
        self._client = httpx.AsyncClient(transport=transport, timeout=ANSWER_SEC)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, announcements: Sequence[OutboundMessage]) -> Sequence[Result]:
        """A few at once; those that are not under way after BATCH_SEC, or once the receiver is gone, are not tried."""
        until = asyncio.get_running_loop().time() + BATCH_SEC
        free = asyncio.Semaphore(AT_ONCE)

        async def send_one(one: OutboundMessage) -> Result:
            async with free:
                if self._is_gone or asyncio.get_running_loop().time() > until:
                    return NOT_ATTEMPTED
                return await self._send(one)

        said = await send_in_order(announcements, send_one)
        if self._is_gone:
            with suppress(UnavailableError):
                await self._gone()
        return said

    async def _send(self, announcement: OutboundMessage) -> Result:
        body = content(announcement)
        headers = headers_of(self._subscription.secret, announcement.message_id, body, self._clock())
        try:
            response = await self._post(headers, body)
        except (TimeoutError, httpx.TimeoutException):
            return Result(f"expected an answer within {ANSWER_SEC:.0f} s, found none")
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            return Result(f"expected an answer, found {type(error).__name__}: {error}")
        except PrivateAddressError as error:
            return Result(f"expected a host at a public address, found {error}")
        self._is_gone = self._is_gone or response.status_code == HTTPStatus.GONE
        if response.is_success:
            return DELIVERED
        return Result(f"expected an answer of 2xx, found {response.status_code}")

    async def _post(self, headers: dict[str, str], body: bytes) -> httpx.Response:
        async with asyncio.timeout(ANSWER_SEC):
            request = self._client.build_request("POST", self._subscription.url, headers=headers, content=body)
            response = await self._client.send(request, stream=True)
        try:
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(ANSWER_SEC):
                    await read_prefix(response)
        finally:
            await response.aclose()
        return response


async def read_prefix(response: httpx.Response) -> None:
    """Reads an answer, as long as it is short."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > ANSWER_BYTES:
            return


@cache
def trusted() -> ssl.SSLContext:
    """Whom we trust to say that a host is who it claims to be. Reading that takes a while, so it is done once."""
    return httpx.create_ssl_context()
