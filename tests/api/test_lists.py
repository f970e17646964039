"""Lists of rows over HTTP: their filters, their order, and pages that together are the whole."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.api.support import COURSE, NOW, Json, accepted, ping, quiz
from tests.engine.support import HandClock
from tests.support.serving import Local

USERS = ("ada", "alan", "grace", "Zoë")
CLASSES = ("intro", "loops", "elsewhere")


@pytest.fixture(scope="module")
def full(module_database: str) -> Iterator[Local]:
    """An app with rows enough for pages. Its tests only read."""
    with Local(module_database, clock=HandClock(NOW)) as api:
        accepted(api.put("/v1/courses/python-101", json=COURSE))
        for days in range(3):
            at = (NOW - timedelta(days=days)).isoformat()
            more = {"occurred_at": at}
            events = [ping(user_id=u, class_id=c, **more) for u in USERS for c in CLASSES]
            events += [quiz(score=days, user_id=u, passed=u == "ada", **more) for u in USERS[:2]]
            accepted(api.post("/v1/events", json=events))
        yield api


def whole(api: Local, path: str, query: dict[str, Any]) -> list[Json]:
    items: list[Json] = []
    while True:
        page = accepted(api.get(path, params=query))
        assert 0 < len(page["items"]) <= int(query.get("limit", 1000))
        items += page["items"]
        if page["next"] is None:
            return items
        query = query | {"cursor": page["next"]}


SORTED_BY = {
    "/v1/progress": (lambda row: (row["user_id"], row["class_id"]), False),
    "/v1/events": (lambda row: (row["occurred_at"], row["seq"]), True),
    "/v1/signals": (lambda row: (row["occurred_at"], row["signal_id"]), True),
    "/v1/stats/daily": (lambda row: (row["day"], row["type"]), True),
    "/v1/stats/signals": (lambda row: (row["user_id"], row["type"]), False),
    "/v1/stats/activity": (lambda row: row["user_id"], False),
}
SIZES = {
    "/v1/progress": 12,
    "/v1/events": 42,
    "/v1/signals": 19,
    "/v1/stats/daily": 6,
    "/v1/stats/signals": 10,
    "/v1/stats/activity": 4,
}


@pytest.mark.parametrize("path", SORTED_BY)
@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
def test_pages_together_are_the_whole_in_order(full: Local, path: str, limit: int) -> None:
    items = whole(full, path, {"limit": str(limit)})

    key, descending = SORTED_BY[path]
    assert len(items) == SIZES[path]
    assert items == sorted(items, key=key, reverse=descending)
    assert items == accepted(full.get(path))["items"]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/progress", {"user_id": "ada"}),
        ("/v1/progress", {"user_id": "Zoë"}),
        ("/v1/progress", {"class_id": "elsewhere"}),
        ("/v1/progress", {"course_id": "python-101"}),
        ("/v1/progress", {"course_id": "python-101", "user_id": "grace"}),
        ("/v1/progress", {"course_id": "python-101", "user_id": "grace", "class_id": "loops"}),
        ("/v1/events", {"user_id": "alan"}),
        ("/v1/events", {"type": "QUIZ_SUBMIT"}),
        ("/v1/events", {"type": "VIDEO_PING", "user_id": "grace"}),
        ("/v1/signals", {"user_id": "alan"}),
        ("/v1/signals", {"type": "STEP_COMPLETED"}),
        ("/v1/signals", {"type": "COURSE_COMPLETED", "user_id": "ada"}),
        ("/v1/signals", {"class_id": "intro"}),
        ("/v1/signals", {"course_id": "python-101", "class_id": "loops"}),
        ("/v1/stats/signals", {"user_id": "ada"}),
        ("/v1/stats/activity", {"user_id": "grace"}),
    ],
)
def test_a_filter_picks_the_rows_that_say_so(full: Local, path: str, query: dict[str, str]) -> None:
    everything = accepted(full.get(path))["items"]
    expected = [item for item in everything if all(item[name] == value for name, value in query.items())]
    assert 0 < len(expected) < len(everything)
    assert whole(full, path, query) == whole(full, path, query | {"limit": "2"}) == expected


@pytest.mark.parametrize("name", ["user_id", "class_id", "course_id"])
@pytest.mark.parametrize("value", ["ADA", "%", "ad_", "a' OR 'a' = 'a", "nobody"])
def test_a_filter_that_no_row_meets_gives_none(full: Local, name: str, value: str) -> None:
    assert accepted(full.get("/v1/progress", params={name: value})) == {"items": [], "next": None}


def test_a_cursor_stands_for_its_place_whatever_comes_later(api: Local) -> None:
    accepted(api.post("/v1/events", json=[ping(user_id=user_id) for user_id in ("b", "d")]))
    first = accepted(api.get("/v1/progress?limit=1"))
    accepted(api.post("/v1/events", json=[ping(user_id=user_id) for user_id in ("a", "c", "e")]))

    rest = accepted(api.get("/v1/progress", params={"cursor": first["next"]}))

    assert [row["user_id"] for row in first["items"] + rest["items"]] == ["b", "c", "d", "e"]


def test_stats_say_how_many(full: Local) -> None:
    assert accepted(full.get("/v1/stats/daily?limit=2"))["items"] == [
        {"day": "2026-12-02", "type": "VIDEO_PING", "events": 12},
        {"day": "2026-12-02", "type": "QUIZ_SUBMIT", "events": 2},
    ]
    assert accepted(full.get("/v1/stats/signals?user_id=ada"))["items"] == [
        {"user_id": "ada", "type": "COURSE_COMPLETED", "signals": 1},
        {"user_id": "ada", "type": "QUIZ_PASSED", "signals": 1},
        {"user_id": "ada", "type": "STEP_COMPLETED", "signals": 2},
        {"user_id": "ada", "type": "VIDEO_COMPLETED", "signals": 3},
    ]
    [activity] = accepted(full.get("/v1/stats/activity?user_id=ada"))["items"]
    assert activity["last_activity_at"] == "2026-12-02T12:00:00Z"
