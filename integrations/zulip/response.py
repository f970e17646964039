"""Parsing the responses of Zulip's API: status, JSON and error code decide what a response means. Pure.

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
NOTHING_POSSIBLE = {"REALM_DEACTIVATED", "NONEXISTENT_SUBDOMAIN", "INVALID_API_KEY", "USER_DEACTIVATED", "UNAUTHORIZED"}
"""Codes after which no message can be sent, whatever the status is."""

PAUSE_SEC = 60.0
"""The pause if Zulip does not say how long."""

LONGEST_PAUSE_SEC = 3_600.0

Body = Mapping[str, Any]
"""The JSON object of a response."""


class RateLimitedError(LmsError):
    """Too many requests: the next one may be sent after `sec` seconds."""

    def __init__(self, sec: float) -> None:
        super().__init__(f"too many requests: the next one may be sent in {sec:.0f} s")
        self.sec = sec


class RejectedError(LmsError):
    """Zulip refuses the request for good. `details` are Zulip's words."""

    def __init__(self, error: str, details: str | None = None) -> None:
        super().__init__(error)
        self.details = details


class OutcomeUnknownError(LmsError):
    """The request may or may not have been carried out. `details` are Zulip's words."""

    def __init__(self, error: str, details: str | None = None) -> None:
        super().__init__(error)
        self.details = details


def parse_response(status: int, headers: Mapping[str, str], content: bytes) -> Body:
    """Return the JSON of a successful response.

    Raise RateLimitedError, RejectedError or OutcomeUnknownError, or UnavailableError if Zulip accepts nothing at all.
    """
    body = json_object(content)
    code = None if body is None else body.get("code")
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == RATE_LIMIT_HIT:
        raise RateLimitedError(pause_sec(headers, body))
    if body is None:
        raise OutcomeUnknownError(f"Zulip's response is not JSON: {status}")
    if status in SUCCESS and body.get("result") == "success":
        return body
    label = f"{status} {code}" if isinstance(code, str) and code.isupper() else str(status)
    if code in NOTHING_POSSIBLE or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise UnavailableError(f"Zulip does not accept the bot's address and key: {label}")
    if status in CLIENT_ERROR and status != HTTPStatus.REQUEST_TIMEOUT:
        raise RejectedError(f"Zulip rejected the request: {label}", error_text(body))
    raise OutcomeUnknownError(f"Zulip failed: {label}", error_text(body))


def json_object(content: bytes) -> Body | None:
    """Return the JSON object, or None for anything else, such as the page of a proxy."""
    with suppress(ValueError):
        body = from_json(content)
        if isinstance(body, dict):
            return body
    return None


def pause_sec(headers: Mapping[str, str], body: Body | None) -> float:
    """Return the longest pause that the response asks for, in seconds."""
    values = [headers.get("retry-after"), (body or {}).get("retry-after")]
    pauses = [sec for sec in map(seconds, values) if sec is not None]
    return min(max(pauses), LONGEST_PAUSE_SEC) if pauses else PAUSE_SEC


def seconds(value: object) -> float | None:
    with suppress(ValueError, TypeError):
        sec = float(value)  # type: ignore[arg-type]  # anything but a number raises
        if math.isfinite(sec) and sec >= 0:
            return sec
    return None


def error_text(body: Body) -> str | None:
    """Return Zulip's message for people, if there is one."""
    msg = body.get("msg")
    return msg if isinstance(msg, str) and msg else None
