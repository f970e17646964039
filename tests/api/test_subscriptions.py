"""Subscriptions over HTTP: what is refused, that a secret is shown once, and a webhook that arrives."""

import time
from collections.abc import Callable

import pytest

from bootstrap.keys import Scope
from integrations.webhook.signature import sign
from tests.api.support import COURSE, NOW, Json, accepted, key, ping, problem, quiz
from tests.integrations.http_receiver import receiving
from tests.support.serving import Local

BODY: Json = {"url": "https://hooks.example.org/progress", "types": ["COURSE_COMPLETED", "STEP_COMPLETED"]}
LOOKS = 2_000
PAUSE_SEC = 0.01


def subscribed(api: Local, **fields: object) -> Json:
    return accepted(api.post("/v1/subscriptions", json=BODY | fields), 201)


def items(api: Local) -> list[Json]:
    found: list[Json] = accepted(api.get("/v1/subscriptions"))["items"]
    return found


def until(holds: Callable[[], bool]) -> None:
    for _ in range(LOOKS):
        if holds():
            return
        time.sleep(PAUSE_SEC)
    raise AssertionError("it never came about")


def test_a_subscription_shows_its_secret_once(api: Local) -> None:
    made = subscribed(api)

    assert made["secret"].startswith("whsec_")
    [item] = items(api)
    assert item == {
        "subscription_id": made["subscription_id"],
        "url": BODY["url"],
        "types": BODY["types"],
        "created_at": NOW.isoformat().replace("+00:00", "Z"),
        "disabled_at": None,
    }
    assert subscribed(api)["secret"] != made["secret"]


def test_one_that_is_deleted_is_no_more(api: Local) -> None:
    kept, ended = subscribed(api)["subscription_id"], subscribed(api)["subscription_id"]

    assert accepted(api.request("DELETE", f"/v1/subscriptions/{ended}")) == {"subscription_id": ended}

    assert [item["subscription_id"] for item in items(api)] == [kept]
    says = f"there is no subscription with the id '{ended}'"
    problem(api.request("DELETE", f"/v1/subscriptions/{ended}"), 404, says)


def test_pages_go_from_the_oldest(api: Local) -> None:
    ids = {subscribed(api)["subscription_id"] for _ in range(5)}

    seen, cursor = [], ""
    while cursor is not None:
        page = accepted(api.get(f"/v1/subscriptions?limit=2{cursor and f'&cursor={cursor}'}"))
        seen += [item["subscription_id"] for item in page["items"]]
        cursor = page["next"]

    assert sorted(seen) == sorted(ids)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"url": "hooks.example.org"}, "url: expected a URL http://… or https://… with a host"),
        ({"url": "https://ada:secret@hooks.example.org"}, "url: expected a URL http://… or https://… with a host"),
        ({"url": 1}, "url: expected "),
        ({"url": ""}, "url: expected "),
        ({"url": "https://hooks.example.org/" + "x" * 2_048}, "url: expected "),
        ({"types": []}, "types: expected "),
        ({"types": ["VIDEO_PING"]}, "types.0: expected "),
        ({"types": "COURSE_COMPLETED"}, "types: expected an array"),
        ({"secret": "whsec_"}, "secret: expected no field of this name"),
    ],
)
def test_what_is_wrong_is_named(api: Local, fields: Json, says: str) -> None:
    problem(api.post("/v1/subscriptions", json=BODY | fields), 422, says)
    assert items(api) == []


def test_whoever_is_not_developing_subscribes_nobody_inside(guarded: Local) -> None:
    headers = key(guarded, Scope.OPERATE)
    inside = BODY | {"url": "http://127.0.0.1:8000/"}
    says = "url: expected a host at a public address, found 127.0.0.1 at 127.0.0.1"
    problem(guarded.post("/v1/subscriptions", json=inside, headers=headers), 422, says)


def test_a_completed_course_arrives_as_a_webhook_and_is_listed_as_sent(api: Local) -> None:
    with receiving() as receiver:
        made = subscribed(api, url=f"{receiver.url}/hook", types=["COURSE_COMPLETED"])
        accepted(api.put("/v1/courses/python-101", json=COURSE))
        accepted(api.post("/v1/events", json=[ping(), quiz()]))
        accepted(api.post("/v1/events", json=ping(class_id="loops")))
        until(lambda: [item["status"] for item in deliveries(api)] == ["sent"])

        [hook] = receiver.hooks
        assert hook.data.items() >= {"type": "COURSE_COMPLETED", "user_id": "ada", "course_id": "python-101"}.items()
        assert hook.data["percent"] == 100
        timestamp = int(hook.headers["webhook-timestamp"])
        signature = sign(made["secret"], hook.message_id, timestamp, hook.body)
        assert hook.headers["webhook-signature"] == signature
        [signal] = accepted(api.get("/v1/signals?type=COURSE_COMPLETED"))["items"]
        assert hook.message_id == signal["signal_id"]


def deliveries(api: Local) -> list[Json]:
    found: list[Json] = accepted(api.get("/v1/deliveries"))["items"]
    return found
