"""Parked events over HTTP: what is parked and why, and trying one again."""

import pytest

from engine.parking.park import FIRST_RETRY_AFTER
from eventstore.envelope import validate
from projections.progress import Progress
from projections.rule import Rule
from tests.api.support import EVENT_ID, NOW, Json, accepted, park_event, ping, problem
from tests.support.serving import Local

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def parked(api: Local, event_id: str = EVENT_ID, rule: str = "video_progress") -> str:
    """Posts an event, and parks it as a rule would that raises on it. The retry's id."""
    posted = ping(event_id=event_id)
    accepted(api.post("/v1/events", json=posted))
    park_event(api, validate(posted, NOW, "api"), rule)
    [item] = [item for item in items(api) if item["event_id"] == event_id]
    return str(item["retry_id"])


def items(api: Local, query: str = "") -> list[Json]:
    found: list[Json] = accepted(api.get(f"/v1/retries{query}"))["items"]
    return found


def test_a_parked_event_is_listed_with_why_and_until_when(api: Local) -> None:
    retry_id = parked(api)

    [item] = items(api)

    assert (item["retry_id"], item["event_id"], item["user_id"]) == (retry_id, EVENT_ID, "ada")
    assert (item["rule"], item["status"], item["attempts"]) == ("video_progress", "pending", 0)
    assert "ArithmeticError: cannot take it" in item["last_error"]
    assert item["last_error"].startswith("Traceback")
    assert item["next_attempt_at"] == (NOW + FIRST_RETRY_AFTER).isoformat().replace("+00:00", "Z")
    assert items(api, "?status=pending") == [item]
    assert items(api, "?status=dead") == []


def test_one_that_succeeds_is_parked_no_more(api: Local) -> None:
    retry_id = parked(api)

    assert accepted(api.post(f"/v1/retries/{retry_id}/retry")) == {"succeeded": True}

    assert items(api) == []
    problem(api.post(f"/v1/retries/{retry_id}/retry"), 404, f"there is no parked event with the id '{retry_id}'")


def test_one_that_fails_again_stays_with_the_new_reason(api: Local) -> None:
    def raises(*_: object) -> Progress:
        raise ArithmeticError("still cannot")

    retry_id = parked(api)
    api.engine.context = api.engine.context._replace(rules=(Rule("video_progress", "VIDEO_PING", raises),))

    assert accepted(api.post(f"/v1/retries/{retry_id}/retry")) == {"succeeded": False}

    [item] = items(api)
    assert item["attempts"] == 1
    assert "still cannot" in item["last_error"]


def test_pages_go_from_the_longest_parked(api: Local) -> None:
    ids = [f"6f1f0a52-6f9c-4f0e-8d43-0d0cf6b1a00{number}" for number in range(5)]
    for event_id in ids:
        parked(api, event_id)

    seen, cursor = [], ""
    while cursor is not None:
        page = accepted(api.get(f"/v1/retries?limit=2{cursor and f'&cursor={cursor}'}"))
        seen += [item["event_id"] for item in page["items"]]
        cursor = page["next"]

    assert sorted(seen) == ids


@pytest.mark.parametrize("retry_id", ["x", UNKNOWN[:-1]])
def test_what_is_no_id_is_422(api: Local, retry_id: str) -> None:
    problem(api.post(f"/v1/retries/{retry_id}/retry"), 422, "path.retry_id: expected a valid UUID")


def test_what_is_parked_nowhere_is_404(api: Local) -> None:
    problem(api.post(f"/v1/retries/{UNKNOWN}/retry"), 404, "there is no parked event with the id")
