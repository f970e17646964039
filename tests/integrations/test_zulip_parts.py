"""What Zulip's answers say, and how fast it is asked. Pure."""

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


def say(status: int, body: dict[str, Any] | bytes, **headers: str) -> object:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_response(status, named, body if isinstance(body, bytes) else to_json(body))


def test_given_success_then_it_is_what_was_asked_for() -> None:
    assert say(200, {"result": "success", "msg": "", "id": 42}) == {"result": "success", "msg": "", "id": 42}


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
def test_an_answer_says_whether_the_same_will_do_later(status: int, body: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised:
        say(status, body)
    msg = body["msg"] if isinstance(body, dict) else "html"
    assert str(msg) not in str(raised.value), "it may tell of people, and the error is logged"


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
def test_too_many_requests_say_when_the_next_may_come(headers: dict[str, str], body: Any, sec: float) -> None:
    with pytest.raises(RateLimitedError) as raised:
        say(429, body, **headers)
    assert raised.value.sec == sec


@given(st.lists(st.floats(0, 5), min_size=1, max_size=1_000))
def test_no_minute_has_more_requests_than_zulip_takes(pauses: list[float]) -> None:
    now = 0.0
    pace = RateLimiter(lambda: now)
    sent: list[float] = []
    for pause in pauses:
        now = max(now + pause, sent[-1] if sent else 0)
        sent.append(now + pace.slot())
    assert all(later - earlier > 60 - 1e-6 for earlier, later in zip(sent, sent[PER_MINUTE:], strict=False))


def test_all_that_may_be_sent_is_sent() -> None:
    now = 0.0
    pace = RateLimiter(lambda: now)
    assert [pace.slot() for _ in range(BURST)] == [0] * BURST
    waits = [pace.slot() for _ in range(PER_MINUTE - BURST)]
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(60)
