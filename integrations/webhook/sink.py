"""The sink of one subscription: it POSTs signed messages to the subscriber's URL, a few at a time.

Status 2xx means delivered. Status 410 means that the receiver is gone for good. Redirects are not followed: a receiver
that moves has to subscribe again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from eventstore.errors import UnavailableError
from eventstore.times import Clock
from integrations.outbound.batch_sender import send_in_order
from integrations.outbound.sink import DELIVERED, NOT_ATTEMPTED, OutboundMessage, Result
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.runtime.tls import default_tls_context
from integrations.webhook.encode import encode, headers_of
from integrations.webhook.ssrf import PrivateAddressError, PublicTransport
from integrations.webhook.subscriptions import Subscription

ANSWER_BYTES = 65_536
"""The bytes of an answer that are read, so that its connection can be reused. The contents do not matter."""

Gone = Callable[[], Awaitable[None]]
"""Called when the receiver answers that it is gone."""


class WebhookSink:
    """The sink of a subscription. `private` allows private addresses."""

    def __init__(
        self, subscription: Subscription, gone: Gone, clock: Clock, *, private: bool, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self.name = subscription.subscription_id
        self._subscription = subscription
        self._gone = gone
        self._clock = clock
        self._private = private
        self._limits = limits
        self._is_gone = False

    async def __aenter__(self) -> Self:
        transport = httpx.AsyncHTTPTransport(
            verify=default_tls_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=self._limits.receiver_requests),
        )
        self._client = httpx.AsyncClient(
            transport=transport if self._private else PublicTransport(transport),
            timeout=self._limits.receiver_answer_sec,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, messages: Sequence[OutboundMessage]) -> Sequence[Result]:
        """Send a few messages at once. Attempt no more after the batch's time, or once the receiver is gone."""
        until = asyncio.get_running_loop().time() + self._limits.receiver_batch_sec
        slots = asyncio.Semaphore(self._limits.receiver_requests)

        async def send_one(message: OutboundMessage) -> Result:
            async with slots:
                if self._is_gone or asyncio.get_running_loop().time() > until:
                    return NOT_ATTEMPTED
                return await self._send(message)

        results = await send_in_order(messages, send_one)
        if self._is_gone:
            with suppress(UnavailableError):
                await self._gone()
        return results

    async def _send(self, message: OutboundMessage) -> Result:
        body = encode(message)
        headers = headers_of(self._subscription.secret, message.message_id, body, self._clock())
        try:
            response = await self._post(headers, body)
        except (TimeoutError, httpx.TimeoutException):
            return Result(f"the receiver did not answer within {self._limits.receiver_answer_sec:g} s")
        except (httpx.HTTPError, OSError, UnicodeError) as error:
            return Result(f"the request failed: {type(error).__name__}: {error}")
        except PrivateAddressError as error:
            return Result(f"the URL leads to a private address: {error}")
        self._is_gone = self._is_gone or response.status_code == HTTPStatus.GONE
        if response.is_success:
            return DELIVERED
        return Result(f"the receiver answered {response.status_code} instead of 2xx")

    async def _post(self, headers: dict[str, str], body: bytes) -> httpx.Response:
        async with asyncio.timeout(self._limits.receiver_answer_sec):
            request = self._client.build_request("POST", self._subscription.url, headers=headers, content=body)
            response = await self._client.send(request, stream=True)
        try:
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(self._limits.receiver_answer_sec):
                    await read_prefix(response)
        finally:
            await response.aclose()
        return response


async def read_prefix(response: httpx.Response) -> None:
    """Read the answer up to ANSWER_BYTES."""
    size = 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > ANSWER_BYTES:
            return
