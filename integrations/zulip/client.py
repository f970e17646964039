"""A client of Zulip's API, with the few requests that a bot needs to send direct messages, within the rate limit.

Source: https://zulip.com/api, as servers answer from version 7.0 on.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx

from eventstore.errors import UnavailableError
from integrations.runtime.limits import DEFAULT_LIMITS, Limits
from integrations.runtime.tls import default_tls_context
from integrations.zulip.rate_limiter import RateLimiter
from integrations.zulip.response import Body, OutcomeUnknownError, RateLimitedError, parse_response
from integrations.zulip.schemas import Created, Messages, User, UserOfEmail, parse

USER_AGENT = "lms-progress"
logging.getLogger("httpx").setLevel(logging.WARNING)  # its info lines quote URLs, which have people's addresses in them

NEWEST = "newest"

log = logging.getLogger(__name__)


class Bot(NamedTuple):
    """The sender: the URL of the organisation, and the bot's address and key."""

    site: str
    email: str
    api_key: str


class ZulipClient:
    """Sends requests as a bot. Its methods raise the errors of `parse_response`."""

    def __init__(self, bot: Bot, rate_limiter: RateLimiter, limits: Limits = DEFAULT_LIMITS) -> None:
        self._bot = bot
        self._rate_limiter = rate_limiter
        self._limits = limits

    async def __aenter__(self) -> Self:
        transport = httpx.AsyncHTTPTransport(
            verify=default_tls_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=self._limits.receiver_requests),
        )
        self._client = httpx.AsyncClient(
            base_url=f"{self._bot.site.rstrip('/')}/api/v1/",
            auth=httpx.BasicAuth(self._bot.email, self._bot.api_key),
            headers={"user-agent": USER_AGENT},
            transport=transport,
            timeout=self._limits.receiver_answer_sec,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, user_id: int, content: str) -> int:
        """Send a direct message of Markdown to a user. Return the message's id."""
        form = {"type": "direct", "to": json.dumps([user_id]), "content": content}
        return parse(Created, await self._request("POST", "messages", data=form)).id

    async def own_id(self) -> int:
        """Return the bot's id."""
        return parse(User, await self._request("GET", "users/me")).user_id

    async def id_of(self, email: str) -> int:
        """Return the id of the user with this e-mail address."""
        return parse(UserOfEmail, await self._request("GET", f"users/{quote(email, safe='@')}")).user.user_id

    async def search_sent(self, sender_id: int, user_id: int, before: int | str) -> Messages:
        """Return a page of the sender's direct messages to a user: the last ones before a message, or before NEWEST."""
        narrow = [{"operator": "dm", "operand": [user_id]}, {"operator": "sender", "operand": sender_id}]
        params = {
            "anchor": before,
            "include_anchor": "false" if before != NEWEST else "true",
            "num_before": self._limits.zulip_page_messages,
            "num_after": 0,
            "narrow": json.dumps(narrow),
            "apply_markdown": "false",
        }
        return parse(Messages, await self._request("GET", "messages", params=params))

    async def _request(self, method: str, path: str, **content: Mapping[str, Any]) -> Body:
        await asyncio.sleep(self._rate_limiter.reserve())
        if self._rate_limiter.is_paused:
            raise RateLimitedError(0)
        try:
            response = await self._http_request(method, path, **content)
            return parse_response(response.status_code, response.headers, response.content)
        except RateLimitedError as error:
            if not self._rate_limiter.is_paused:
                log.warning("zulip asks for a pause of %.0f s", error.sec)
            self._rate_limiter.pause(error.sec)
            raise

    async def _http_request(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            async with asyncio.timeout(self._limits.receiver_answer_sec):
                return await self._client.request(method, path, **content)
        except (TimeoutError, httpx.TimeoutException):
            raise OutcomeUnknownError(f"Zulip did not answer within {self._limits.receiver_answer_sec:g} s") from None
        except (httpx.ConnectError, httpx.UnsupportedProtocol) as error:
            raise UnavailableError(f"cannot connect to Zulip at {self._bot.site}: {type(error).__name__}") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise OutcomeUnknownError(f"the request to Zulip failed: {type(error).__name__}") from error
