"""Requests that no endpoint answers, and parameters that no query takes: each its 4xx, and nothing changes."""

import json
from base64 import urlsafe_b64encode

import pytest

from tests.api.support import contents, problem
from tests.support.serving import Local

LISTS = (
    "/v1/progress",
    "/v1/events",
    "/v1/signals",
    "/v1/leaderboard",
    "/v1/courses",
    "/v1/stats/daily",
    "/v1/stats/messages",
    "/v1/stats/signals",
    "/v1/stats/activity",
    "/v1/inbox",
)

FORGED: tuple[object, ...] = (
    ["ada", "a\x00"],
    ["a\x00", "ada"],
    ["\x00"],
    [10**30, "ada"],
    [2**31, "ada"],
    [1, "a\x00"],
    ["2026-12-02T12:00:00", 1],
    ["2026-12-02T12:00:00Z", 10**30],
    ["2026-12-02T12:00:00Z", 2**63],
    ["2026-12-02T12:00:00Z", "x"],
    ["0001-01-01T00:00:00+23:00", 1],
    ["9999-12-31T23:59:59-23:00", "3f0f7a52-6f9c-4f0e-8d43-0d0cf6b1a001"],
    ["2026-12-02", "a\x00"],
    [1e999, "ada"],
    [],
    {},
    None,
    [[[]]],
)
"""What a cursor might be forged of, such as no database could compare with."""


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("cursor", ["x", "", "a" * 5000, "é", "\x00", "%%%", "W10", "bm8ganNvbg"])
def test_what_is_no_cursor_is_422(lived_in: Local, path: str, cursor: str) -> None:
    problem(lived_in.get(path, params={"cursor": cursor}), 422, "cursor: expected the `next` of an earlier page")


@pytest.mark.parametrize("path", LISTS)
def test_a_forged_cursor_is_a_page_or_422(lived_in: Local, path: str) -> None:
    for key in FORGED:
        cursor = urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")
        response = lived_in.get(path, params={"cursor": cursor})
        if response.status_code != 200:
            problem(response, 422, "cursor: expected the `next` of an earlier page of this list")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("0", "query.limit: expected greater than or equal to 1, found '0'"),
        ("-1", "query.limit: expected greater than or equal to 1, found '-1'"),
        ("1001", "query.limit: expected less than or equal to 1000, found '1001'"),
        ("ten", "query.limit: expected a valid integer"),
        ("1.5", "query.limit: expected a valid integer"),
        ("", "query.limit: expected a valid integer"),
        ("9" * 5000, "query.limit: expected"),
    ],
)
def test_what_is_no_limit_is_422(lived_in: Local, path: str, limit: str, says: str) -> None:
    problem(lived_in.get(path, params={"limit": limit}), 422, says)


FILTERS = {
    "/v1/progress": ("user_id", "class_id", "course_id"),
    "/v1/events": ("user_id", "type"),
    "/v1/signals": ("user_id", "type", "class_id", "course_id"),
    "/v1/leaderboard": ("course_id",),
    "/v1/leaderboard/ada": ("course_id",),
    "/v1/stats/signals": ("user_id",),
    "/v1/stats/activity": ("user_id",),
}


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in FILTERS.items() for name in names])
@pytest.mark.parametrize("value", ["\x00", "a\nb", "", "x" * 256])
def test_what_no_id_can_be_is_no_filter(lived_in: Local, path: str, name: str, value: str) -> None:
    problem(lived_in.get(path, params={name: value}), 422, f"query.{name}: expected ")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/v1/leaderboard?window=year", "query.window: expected 'all', 'week' or 'month', found 'year'"),
        ("/v1/leaderboard/ada?window=", "query.window: expected 'all', 'week' or 'month', found ''"),
        ("/v1/leaderboard/ada?neighbours=-1", "query.neighbours: expected greater than or equal to 0, found '-1'"),
        ("/v1/leaderboard/ada?neighbours=101", "query.neighbours: expected less than or equal to 100, found '101'"),
        ("/v1/leaderboard/ada?neighbours=all", "query.neighbours: expected a valid integer"),
        ("/v1/leaderboard/", "path.user_id: expected at least 1 character, found ''"),
        ("/v1/leaderboard/%00", "path.user_id: expected text that matches"),
        ("/v1/users//progress", "path.user_id: expected at least 1 character, found ''"),
        ("/v1/users/%01/progress", "path.user_id: expected text that matches"),
        ("/v1/users/a%0Ab/progress", "path.user_id: expected text that matches"),
        ("/v1/leaderboard/%0A", "path.user_id: expected text that matches"),
        ("/v1/courses/a%0A", "path.course_id: expected text that matches"),
        ("/v1/courses/", "path.course_id: expected at least 1 character, found ''"),
        (f"/v1/courses/{'x' * 256}", "path.course_id: expected at most 255 characters"),
        ("/v1/signals?type=PASSED", "query.type: expected 'VIDEO_COMPLETED', 'QUIZ_PASSED', 'STEP_COMPLETED' or"),
    ],
)
def test_what_is_no_such_parameter_is_422(lived_in: Local, path: str, says: str) -> None:
    problem(lived_in.get(path), 422, says)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/v2/events", "expected a path that /docs lists, found GET /v2/events"),
        ("/v1/event", "expected a path that /docs lists, found GET /v1/event"),
        ("/v1/users/ada", "expected a path that /docs lists, found GET /v1/users/ada"),
        ("/v1/courses/python-102", "there is no published course with the id 'python-102'"),
        ("/v1/leaderboard/nobody", "expected a learner with XP on this leaderboard, found none for user_id 'nobody'"),
        ("/v1/leaderboard/ada?course_id=python-102", "expected a learner with XP on this leaderboard, found none"),
    ],
)
def test_what_is_not_there_is_404(lived_in: Local, path: str, says: str) -> None:
    problem(lived_in.get(path), 404, says)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/events", "GET, HEAD, POST"),
        ("DELETE", "/v1/events", "GET, HEAD, POST"),
        ("DELETE", "/v1/courses/python/101", "GET, HEAD, PUT"),
        ("GET", "/v1/webhooks/tally", "POST"),
        ("POST", "/v1/progress", "GET, HEAD"),
        ("OPTIONS", "/v1/progress", "GET, HEAD"),
        ("PATCH", "/v1/leaderboard", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
    ],
)
def test_another_method_is_405(lived_in: Local, method: str, path: str, allowed: str) -> None:
    before = contents(lived_in)
    response = lived_in.request(method, path)
    problem(response, 405, f"expected {allowed}, found {method} {path}")
    assert response.headers["Allow"] == allowed
    assert contents(lived_in) == before
