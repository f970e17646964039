"""Answers of Zulip's API: what each says of the request, by its status, its JSON and its error code. Pure.

Source: https://zulip.com/api/rest-error-handling.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json

from eventstore.errors import LmsError, UnavailableError

SUCCESS, CLIENT_ERROR = range(200, 300), range(400, 500)
RATE_LIMIT_HIT = "RATE_LIMIT_HIT"
OF_THE_WHOLE = {"REALM_DEACTIVATED", "NONEXISTENT_SUBDOMAIN", "INVALID_API_KEY", "USER_DEACTIVATED", "UNAUTHORIZED"}
"""Codes by which nothing can be sent at all, whatever their status is."""

PAUSE_SEC = 60.0
"""How long to wait where Zulip does not say."""

LONGEST_PAUSE_SEC = 3_600.0

Body = Mapping[str, Any]
"""The JSON object of an answer."""


class RateLimitedError(LmsError):
    """Too many requests: the next one may come after `sec` seconds."""

    def __init__(self, sec: float) -> None:
        super().__init__(f"expected fewer requests, found that the next one may come in {sec:.0f} s")
        self.sec = sec


class RejectedError(LmsError):
    """Zulip will never do what was asked. `details` are its own words."""

    def __init__(self, error: str, details: str | None = None) -> None:
        super().__init__(error)
        self.details = details


class OutcomeUnknownError(LmsError):
    """Nobody knows whether it was done. `details` are the receiver's own words."""

    def __init__(self, error: str, details: str | None = None) -> None:
        super().__init__(error)
        self.details = details


def parse_response(status: int, headers: Mapping[str, str], content: bytes) -> Body:
    """The JSON of an answer that says that it was done. Raises Paused, Declined, Unclear, or Unavailable."""
    body = json_object(content)
    code = None if body is None else body.get("code")
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == RATE_LIMIT_HIT:
        raise RateLimitedError(pause_sec(headers, body))
    if body is None:
        raise OutcomeUnknownError(f"expected JSON of Zulip, found an answer of {status} that is none")
    if status in SUCCESS and body.get("result") == "success":
        return body
    said = f"{status} {code}" if isinstance(code, str) and code.isupper() else str(status)
    if code in OF_THE_WHOLE or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise UnavailableError(f"expected Zulip to know the bot by its address and key, found {said}")
    if status in CLIENT_ERROR and status != HTTPStatus.REQUEST_TIMEOUT:
        raise RejectedError(f"expected Zulip to take it, found {said}", error_text(body))
    raise OutcomeUnknownError(f"expected Zulip to do it, found {said}", error_text(body))


def json_object(content: bytes) -> Body | None:
    """None if it is anything else, such as the page of a proxy."""
    with suppress(ValueError):
        body = from_json(content)
        if isinstance(body, dict):
            return body
    return None


def pause_sec(headers: Mapping[str, str], body: Body | None) -> float:
    """The longest pause that the answer asks for, in seconds."""
    asked = [headers.get("retry-after"), (body or {}).get("retry-after")]
    pauses = [sec for sec in map(seconds, asked) if sec is not None]
    return min(max(pauses), LONGEST_PAUSE_SEC) if pauses else PAUSE_SEC


def seconds(value: object) -> float | None:
    with suppress(ValueError, TypeError):
        sec = float(value)  # type: ignore[arg-type]  # what is no number raises
        if math.isfinite(sec) and sec >= 0:
            return sec
    return None


def error_text(body: Body) -> str | None:
    """What Zulip says to people."""
    msg = body.get("msg")
    return msg if isinstance(msg, str) and msg else None
