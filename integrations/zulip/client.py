"""A client of Zulip's API: the few requests that a bot needs to tell people of something, each at its turn.

Source: https://zulip.com/api, as servers from version 7.0 on answer it.
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
from integrations.runtime.tls import default_tls_context
from integrations.zulip.rate_limiter import RateLimiter
from integrations.zulip.response import Body, OutcomeUnknownError, RateLimitedError, parse_response
from integrations.zulip.schemas import Created, Messages, User, UserOfEmail, parse

ANSWER_SEC = 10.0
AT_ONCE = 4
"""So many requests at most are under way."""

PAGE = 200
"""So many messages are read at once."""

USER_AGENT = "lms-progress"
logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log URLs, which have people's addresses in them

NEWEST = "newest"

log = logging.getLogger(__name__)


class Bot(NamedTuple):
    """Who sends, and where: the organisation's URL, and the bot's address and key."""

    site: str
    email: str
    api_key: str


class ZulipClient:
    """Asks as a bot, while it is open. Every method raises Paused, Declined, Unclear or Unavailable."""

    def __init__(self, bot: Bot, pace: RateLimiter) -> None:
        self._bot = bot
        self._pace = pace

    async def __aenter__(self) -> Self:
        transport = httpx.AsyncHTTPTransport(
            verify=default_tls_context(), trust_env=False, limits=httpx.Limits(max_connections=AT_ONCE)
        )
        self._client = httpx.AsyncClient(
            base_url=f"{self._bot.site.rstrip('/')}/api/v1/",
            auth=httpx.BasicAuth(self._bot.email, self._bot.api_key),
            headers={"user-agent": USER_AGENT},
            transport=transport,
            timeout=ANSWER_SEC,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, user_id: int, content: str) -> int:
        """Sends somebody a direct message of Markdown. The message's id."""
        form = {"type": "direct", "to": json.dumps([user_id]), "content": content}
        return parse(Created, await self._request("POST", "messages", data=form)).id

    async def own_id(self) -> int:
        """The bot's own id."""
        return parse(User, await self._request("GET", "users/me")).user_id

    async def id_of(self, email: str) -> int:
        """The id of whoever has that address."""
        return parse(UserOfEmail, await self._request("GET", f"users/{quote(email, safe='@')}")).user.user_id

    async def search_sent(self, sender_id: int, user_id: int, before: int | str) -> Messages:
        """What the sender said to that user alone: the last PAGE messages before one, or before now."""
        narrow = [{"operator": "dm", "operand": [user_id]}, {"operator": "sender", "operand": sender_id}]
        params = {
            "anchor": before,
            "include_anchor": "false" if before != NEWEST else "true",
            "num_before": PAGE,
            "num_after": 0,
            "narrow": json.dumps(narrow),
            "apply_markdown": "false",
        }
        return parse(Messages, await self._request("GET", "messages", params=params))

    async def _request(self, method: str, path: str, **content: Mapping[str, Any]) -> Body:
        await asyncio.sleep(self._pace.slot())
        if self._pace.is_paused:
            raise RateLimitedError(0)
        try:
            response = await self._answer(method, path, **content)
            return parse_response(response.status_code, response.headers, response.content)
        except RateLimitedError as paused:
            if not self._pace.is_paused:
                log.warning("zulip asks for a pause of %.0f s", paused.sec)
            self._pace.pause(paused.sec)
            raise

    async def _answer(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            async with asyncio.timeout(ANSWER_SEC):
                return await self._client.request(method, path, **content)
        except (TimeoutError, httpx.TimeoutException):
            raise OutcomeUnknownError(f"expected an answer within {ANSWER_SEC:.0f} s, found none") from None
        except (httpx.ConnectError, httpx.UnsupportedProtocol) as error:
            raise UnavailableError(f"expected Zulip at {self._bot.site}, found {type(error).__name__}") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise OutcomeUnknownError(f"expected an answer, found {type(error).__name__}") from error
