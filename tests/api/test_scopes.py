"""Who may do what: each scope opens its endpoints and no other; a learner's token opens what is that learner's."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from bootstrap import tokens
from bootstrap.keys import Scope
from engine.parking.park import retry_id
from engine.replay.store import ReplayRequest, start
from eventstore.envelope import validate
from integrations.tables import lms_subscription
from tests.api.support import (
    COURSE,
    EVENT_ID,
    NOW,
    TOKEN_SECRET,
    accepted,
    bearer,
    contents,
    key,
    park_event,
    ping,
    problem,
    quiz,
)
from tests.engine.support import HandClock
from tests.support.serving import Local

Call = tuple[str, str, Mapping[str, Any]]

SUBSCRIPTION = {"url": "https://93.184.216.34/hooks", "types": ["COURSE_COMPLETED"]}
STATUS = {("POST", "/v1/replays"): 202, ("POST", "/v1/subscriptions"): 201}
"""Of those that answer another than 200."""

OPENED: Mapping[Scope, tuple[Call, ...]] = {
    Scope.INGEST: (("POST", "/v1/events", {"json": [ping(), quiz(user_id="alan")]}),),
    Scope.PUBLISH: (("PUT", "/v1/courses/{course_id}", {"json": COURSE}),),
    Scope.READ: (
        ("GET", "/v1/courses/{course_id}", {}),
        ("GET", "/v1/courses", {}),
        ("GET", "/v1/events", {}),
        ("GET", "/v1/signals", {}),
        ("GET", "/v1/progress", {}),
        ("GET", "/v1/users/{user_id}/progress", {}),
        ("GET", "/v1/leaderboard", {}),
        ("GET", "/v1/leaderboard/{user_id}", {}),
        ("GET", "/v1/stats/daily", {}),
        ("GET", "/v1/stats/messages", {}),
        ("GET", "/v1/stats/signals", {}),
        ("GET", "/v1/stats/activity", {}),
        ("GET", "/v1/stats/activities", {}),
    ),
    Scope.OPERATE: (
        ("GET", "/v1/retries", {}),
        ("POST", "/v1/retries/{retry_id}/retry", {}),
        ("GET", "/v1/inbox", {}),
        ("POST", "/v1/inbox/retry", {}),
        ("GET", "/v1/deliveries", {}),
        ("POST", "/v1/deliveries/retry", {"json": {}}),
        ("GET", "/v1/notifications/failed", {}),
        ("POST", "/v1/notifications/retry", {}),
        ("POST", "/v1/mentors/clear", {}),
        ("POST", "/v1/notifications/summary", {"json": {"period": "today"}}),
        ("GET", "/v1/subscriptions", {}),
        ("POST", "/v1/subscriptions", {"json": SUBSCRIPTION}),
        ("DELETE", "/v1/subscriptions/{subscription_id}", {}),
        ("GET", "/v1/replays/{replay_id}", {}),
        ("POST", "/v1/replays", {"json": {}}),
    ),
}
OPEN_TO_ALL = ("/healthz", "/readyz", "/metrics", "/v1/schemas/VIDEO_PING/1.0", "/asyncapi", "/docs", "/openapi.json")
RETRY_ID = retry_id("ada", EVENT_ID, "video_progress")
REPLAY_ID = "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11"
GONE = "webhook-0f5f8a536a0e4f0c"
OF_LEARNERS = ("/v1/users/{user_id}/progress", "/v1/leaderboard", "/v1/leaderboard/{user_id}")
GUARDED = [(scope, call) for scope, calls in OPENED.items() for call in calls]


def called(api: Local, call: Call, headers: Mapping[str, str | bytes]) -> httpx.Response:
    method, path, more = call
    return api.request(
        method,
        path.format(
            course_id="python-101", user_id="ada", retry_id=RETRY_ID, replay_id=REPLAY_ID, subscription_id=GONE
        ),
        headers=headers,
        **more,
    )


def populated(api: Local) -> dict[str, str]:
    """Gives every endpoint something to answer with."""
    everything = key(api, *Scope)
    accepted(api.put("/v1/courses/python-101", json=COURSE, headers=everything))
    accepted(api.post("/v1/events", json=[ping(event_id=EVENT_ID), ping(user_id="alan")], headers=everything))
    park_event(api, validate(ping(event_id=EVENT_ID), NOW, "api"), "video_progress")
    api.run(start(api.engine.database, REPLAY_ID, ReplayRequest(), NOW))
    api.run(subscribe_who_is_gone(api))
    return everything


async def subscribe_who_is_gone(api: Local) -> None:
    """Nothing is sent there, and so nothing changes between two calls."""
    row = {"subscription_id": GONE, "url": "", "types": "", "secret": "", "created_at": NOW, "disabled_at": NOW}
    async with api.engine.database.write() as connection:
        await connection.execute(insert(lms_subscription), row)


@pytest.fixture(scope="module")
def read_only(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """An app that asks callers who they are, with something to answer with, for tests that change nothing in it."""
    file = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("scopes") / "lms.db")
    with Local(
        f"sqlite:///{file}", dev=False, clock=HandClock(NOW), token_secret=TOKEN_SECRET, notify_mentors_enabled=True
    ) as api:
        populated(api)
        yield api


def test_every_route_is_in_the_table(guarded: Local) -> None:
    routes = {
        (method.upper(), path)
        for path, operations in guarded.app.openapi()["paths"].items()
        if path.startswith("/v1")
        for method in operations
    }
    public = {("GET", "/v1/schemas/{type}/{version}"), ("POST", "/v1/webhooks/tally")}
    assert routes == {(method, path) for _, (method, path, _) in GUARDED} | public


@pytest.mark.slow
@pytest.mark.parametrize(("scope", "call"), GUARDED, ids=lambda value: "" if isinstance(value, str) else value[1])
def test_a_scope_opens_its_endpoints_and_no_other(guarded: Local, scope: Scope, call: Call) -> None:
    populated(guarded)
    before = contents(guarded)

    for other in set(Scope) - {scope}:
        says = f"expected a key with the scope `{scope}`, found one with {other}"
        problem(called(guarded, call, key(guarded, other)), 403, says)
    all_others = key(guarded, *(set(Scope) - {scope}))
    problem(called(guarded, call, all_others), 403, f"expected a key with the scope `{scope}`, found one with ")

    assert contents(guarded) | {"lms_key": []} == before | {"lms_key": []}
    accepted(called(guarded, call, key(guarded, scope)), STATUS.get(call[:2], 200))


@pytest.mark.parametrize("call", [call for _, call in GUARDED], ids=lambda call: call[1])
def test_nobody_that_we_know_is_401(read_only: Local, call: Call) -> None:
    before = contents(read_only)
    for authorization, says in (
        (None, "expected `Bearer` with an API key or a learner's token, found none"),
        ("", "expected `Bearer` with an API key or a learner's token, found none"),
        ("Bearer", "expected `Bearer` with an API key or a learner's token, found something else"),
        ("Basic YTpi", "expected `Bearer` with an API key or a learner's token, found something else"),
        ("lms_key", "expected `Bearer` with an API key or a learner's token, found something else"),
        ("Bearer lms_unknown", "expected an API key that is good, found one unknown or revoked"),
        (b"Bearer lms_\xff", "expected an API key that is good, found one unknown or revoked"),
        ("Bearer x", "expected a learner's token that is good, found"),
    ):
        headers = {} if authorization is None else {"Authorization": authorization}
        problem(called(read_only, call, headers), 401, says)
    assert contents(read_only) == before


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_what_is_open_to_all_asks_nobody(read_only: Local, path: str) -> None:
    assert read_only.get(path).status_code == 200


def test_the_scheme_may_be_written_in_any_case(guarded: Local) -> None:
    credentials = key(guarded, Scope.READ)["Authorization"].removeprefix("Bearer ")
    accepted(guarded.get("/v1/progress", headers={"Authorization": f"bEARER {credentials}"}))


def token(user_id: str = "ada") -> dict[str, str]:
    return bearer(tokens.mint(TOKEN_SECRET, user_id, NOW, timedelta(minutes=15)))


@pytest.mark.parametrize(("scope", "call"), GUARDED, ids=lambda value: "" if isinstance(value, str) else value[1])
def test_a_learner_reads_that_learners_progress_and_the_leaderboard_alone(
    read_only: Local, scope: Scope, call: Call
) -> None:
    method, path, _ = call
    if path in OF_LEARNERS:
        accepted(called(read_only, call, token()))
    elif method == "GET":
        says = f"expected a key with the scope `{scope}`, found a learner's token"
        problem(called(read_only, call, token()), 403, says)


def test_a_learner_publishes_nothing(guarded: Local) -> None:
    before = contents(guarded)
    says = "expected a key with the scope `publish`, found a learner's token"
    problem(guarded.put("/v1/courses/mine", json=COURSE, headers=token()), 403, says)
    assert contents(guarded) == before


def test_a_learner_reads_no_other_learners_progress(guarded: Local) -> None:
    says = "expected the token of 'alan', found that of 'ada'"
    problem(guarded.get("/v1/users/alan/progress", headers=token()), 403, says)
    problem(guarded.get("/v1/users/Ada/progress", headers=token()), 403, "found that of 'ada'")


def test_a_learner_posts_that_learners_pings(guarded: Local) -> None:
    answer = accepted(guarded.post("/v1/events", json=[ping(10), ping()], headers=token()))
    assert answer["accepted"] == 2
    assert accepted(guarded.get("/v1/users/ada/progress", headers=token()))["xp"] == 10


@pytest.mark.parametrize(
    ("posted", "was_found"),
    [
        (ping(user_id="alan"), "a VIDEO_PING of 'alan'"),
        (ping(user_id="Ada"), "a VIDEO_PING of 'Ada'"),
        (quiz(), "a QUIZ_SUBMIT of 'ada'"),
        ([ping(), ping(user_id="alan")], "a VIDEO_PING of 'alan'"),
        ([ping(), ping(user_id=""), quiz()], "a QUIZ_SUBMIT of 'ada'"),
    ],
)
def test_a_learner_posts_nothing_else(guarded: Local, posted: object, was_found: str) -> None:
    before = contents(guarded)
    says = f"expected a VIDEO_PING of the token's learner 'ada', found {was_found}"
    problem(guarded.post("/v1/events", json=posted, headers=token()), 403, says)
    assert contents(guarded) == before


def test_what_a_learner_posts_is_held_to_the_contract(guarded: Local) -> None:
    problem(guarded.post("/v1/events", json=ping(400), headers=token()), 422, "a position of at most duration")


def test_whoever_may_not_is_told_so_before_what_is_wrong(guarded: Local) -> None:
    wrong = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    problem(guarded.post("/v1/events", **wrong), 401, "found none")
    wrong["headers"] = wrong["headers"] | key(guarded, Scope.READ)  # type: ignore[operator]
    problem(guarded.post("/v1/events", **wrong), 403, "scope `ingest`")
    problem(guarded.put("/v1/courses/x", **wrong), 403, "scope `publish`")
    problem(guarded.get("/v1/progress?limit=0"), 401, "found none")


def test_in_development_everyone_may_do_everything(lived_in: Local) -> None:
    for headers in ({}, bearer("lms_unknown"), token("alan")):
        accepted(lived_in.get("/v1/progress", headers=headers))
