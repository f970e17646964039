"""Parsing Zulip's responses, and the rate limit of requests. Pure."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from eventstore.errors import UnavailableError
from integrations.zulip.rate_limiter import BURST, PER_MINUTE, RateLimiter
from integrations.zulip.response import (
    LONGEST_PAUSE_SEC,
    PAUSE_SEC,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    parse_response,
)


def respond(status: int, body: dict[str, Any] | bytes, **headers: str) -> object:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_response(status, named, body if isinstance(body, bytes) else to_json(body))


def test_a_successful_response_is_its_body() -> None:
    assert respond(200, {"result": "success", "msg": "", "id": 42}) == {"result": "success", "msg": "", "id": 42}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"result": "error", "code": "INVALID_API_KEY", "msg": "Invalid API key"}, UnavailableError),
        (401, {"result": "error", "code": "USER_DEACTIVATED", "msg": "Account is deactivated"}, UnavailableError),
        (403, {"result": "error", "code": "REALM_DEACTIVATED", "msg": "deactivated"}, UnavailableError),
        (404, {"result": "error", "code": "NONEXISTENT_SUBDOMAIN", "msg": "Invalid subdomain"}, UnavailableError),
        (400, {"result": "error", "code": "BAD_REQUEST", "msg": "Invalid user ID 9"}, RejectedError),
        (400, {"result": "error", "code": "REQUEST_VARIABLE_MISSING", "msg": "Missing 'to' argument"}, RejectedError),
        (400, {"result": "error", "msg": "of an older server"}, RejectedError),
        (404, {"result": "error", "code": "BAD_REQUEST", "msg": "Not found"}, RejectedError),
        (408, {"result": "error", "code": "REQUEST_TIMEOUT", "msg": "slow"}, OutcomeUnknownError),
        (500, {"result": "error", "code": "INTERNAL", "msg": "Internal server error"}, OutcomeUnknownError),
        (503, {"result": "error", "msg": "updating"}, OutcomeUnknownError),
        (200, {"result": "error", "msg": "who knows"}, OutcomeUnknownError),
        (200, b"<html>", OutcomeUnknownError),
        (200, b"[]", OutcomeUnknownError),
        (200, b"\xff", OutcomeUnknownError),
        (301, b"", OutcomeUnknownError),
        (401, b"<html>of a proxy", OutcomeUnknownError),
        (403, b"<html>of a firewall", OutcomeUnknownError),
        (502, b"<html>Bad Gateway", OutcomeUnknownError),
        (520, b"error code: 520", OutcomeUnknownError),
    ],
)
def test_a_failed_response_says_whether_to_try_again(status: int, body: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised:
        respond(status, body)
    msg = body["msg"] if isinstance(body, dict) else "html"
    assert str(msg) not in str(raised.value), "it may quote people, and the error is logged"


@pytest.mark.parametrize(
    ("headers", "body", "sec"),
    [
        ({"retry_after": "7"}, {"code": "RATE_LIMIT_HIT", "retry-after": 6.5}, 7),
        ({}, {"code": "RATE_LIMIT_HIT", "retry-after": 28.706}, 28.706),
        ({"retry_after": "3"}, b"<html>too many", 3),
        ({}, b"<html>too many", PAUSE_SEC),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, {"retry-after": None}, PAUSE_SEC),
        ({"retry_after": "-1"}, {"retry-after": math.inf}, PAUSE_SEC),
        ({"retry_after": "1e9"}, {}, LONGEST_PAUSE_SEC),
    ],
)
def test_too_many_requests_set_a_pause(headers: dict[str, str], body: Any, sec: float) -> None:
    with pytest.raises(RateLimitedError) as raised:
        respond(429, body, **headers)
    assert raised.value.sec == sec


@given(st.lists(st.floats(0, 5), min_size=1, max_size=1_000))
def test_no_minute_has_more_requests_than_zulip_accepts(pauses: list[float]) -> None:
    now = 0.0
    rate_limiter = RateLimiter(lambda: now)
    sent: list[float] = []
    for pause in pauses:
        now = max(now + pause, sent[-1] if sent else 0)
        sent.append(now + rate_limiter.reserve())
    assert all(later - earlier > 60 - 1e-6 for earlier, later in zip(sent, sent[PER_MINUTE:], strict=False))


def test_the_allowed_rate_is_used() -> None:
    now = 0.0
    rate_limiter = RateLimiter(lambda: now)
    assert [rate_limiter.reserve() for _ in range(BURST)] == [0] * BURST
    waits = [rate_limiter.reserve() for _ in range(PER_MINUTE - BURST)]
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(60)
