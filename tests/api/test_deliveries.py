"""Deliveries over HTTP: what was sent where, what failed and why, and trying that again."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from integrations.outbound.relay import Relay
from integrations.outbound.retry_policy import DEAD_AFTER
from integrations.tables import lms_subscription
from integrations.webhook import subscriptions
from tests.api.support import COURSE, NOW, Json, accepted, ping, problem
from tests.engine.support import HandClock
from tests.integrations.scripted_sink import ScriptedSink, relay_to
from tests.support.serving import Local

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def sink() -> ScriptedSink:
    """Takes nothing of bob's."""
    sink = ScriptedSink()
    sink.refuses = lambda one: "out of order" if one.user_id == "bob" else None
    return sink


@pytest.fixture
def relay(api: Local, clock: HandClock, sink: ScriptedSink) -> Relay:
    """What ada and bob completed was relayed: hers has arrived, his first is dead, and the next failed once."""
    accepted(api.put("/v1/courses/python-101", json=COURSE))
    accepted(api.post("/v1/events", json=[ping(), ping(user_id="bob")]))
    relay = relay_to(api.engine.database, clock, sink)
    api.run(relay.once())
    clock.now += DEAD_AFTER
    api.run(relay.once())
    api.run(relay.once())
    return relay


def items(api: Local, query: str = "") -> list[Json]:
    found: list[Json] = accepted(api.get(f"/v1/deliveries{query}"))["items"]
    return found


@pytest.mark.usefixtures("relay")
def test_deliveries_are_listed_with_what_became_of_them(api: Local) -> None:
    assert [(item["user_id"], item["type"], item["status"], item["attempts"]) for item in items(api)] == [
        ("bob", "VIDEO_COMPLETED", "dead", 2),
        ("bob", "STEP_COMPLETED", "pending", 1),
        ("ada", "VIDEO_COMPLETED", "sent", 1),
        ("ada", "STEP_COMPLETED", "sent", 1),
    ]
    [dead] = items(api, "?status=dead")
    assert (dead["sink"], dead["last_error"], dead["sent_at"]) == ("scripted", "out of order", None)
    assert (dead["receipt"], [item["receipt"] for item in items(api, "?status=sent")]) == (
        None,
        ["number 1", "number 2"],
    )
    assert dead["first_attempt_at"] == NOW.isoformat().replace("+00:00", "Z")
    assert [item["sent_at"] for item in items(api, "?status=sent")] == [NOW.isoformat().replace("+00:00", "Z")] * 2


@pytest.mark.usefixtures("relay")
def test_pages_hold_all_of_them_once(api: Local) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = accepted(api.get(f"/v1/deliveries?limit=3{cursor and f'&cursor={cursor}'}"))
        seen += page["items"]
        cursor = page["next"]

    assert seen == items(api)


def test_what_failed_is_tried_again_dead_or_not(api: Local, relay: Relay, clock: HandClock, sink: ScriptedSink) -> None:
    sink.refuses = lambda _: None
    assert accepted(api.post("/v1/deliveries/retry", json={})) == {"retried": 2}

    assert [(item["status"], item["attempts"]) for item in items(api, "?status=pending")] == [("pending", 0)] * 2
    assert api.run(relay.once()) == (2, 0)
    assert {item["status"] for item in items(api)} == {"sent"}
    clock.now += timedelta(days=1)
    assert accepted(api.post("/v1/deliveries/retry", json={})) == {"retried": 0}
    assert api.run(relay.once()) == (0, 0)


@pytest.mark.usefixtures("relay")
def test_a_retry_can_be_of_a_sink_of_a_learner_or_of_a_message(api: Local) -> None:
    [dead] = items(api, "?status=dead")
    for which, retried in (
        ({"sink": "another"}, 0),
        ({"user_id": "ada"}, 0),
        ({"message_id": UNKNOWN}, 0),
        ({"message_id": dead["message_id"], "user_id": "bob", "sink": "scripted"}, 1),
        ({"user_id": "bob"}, 1),
    ):
        assert accepted(api.post("/v1/deliveries/retry", json=which)) == {"retried": retried}


def test_what_was_for_a_receiver_that_is_gone_stays_dead(api: Local, clock: HandClock) -> None:
    sink = ScriptedSink(name="webhook-1")
    sink.refuses = lambda _: "not today"
    row = {"subscription_id": sink.name, "url": "", "types": "", "secret": "", "created_at": NOW, "disabled_at": NOW}

    async def unsubscribe() -> None:
        await relay_to(api.engine.database, clock, sink).once()
        async with api.engine.database.write() as connection:
            await connection.execute(insert(lms_subscription), row)
            await subscriptions.disable(connection, sink.name, "gone", NOW)

    accepted(api.post("/v1/events", json=ping()))
    api.run(unsubscribe())

    assert [(item["status"], item["last_error"]) for item in items(api)] == [("dead", "gone")]
    assert accepted(api.post("/v1/deliveries/retry", json={})) == {"retried": 0}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"message_id": "x"}, "message_id: expected "),
        ({"sink": ""}, "sink: expected "),
        ({"status": "dead"}, "status: expected no field of this name"),
        ([], "expected "),
    ],
)
def test_what_is_wrong_is_named(api: Local, body: object, says: str) -> None:
    problem(api.post("/v1/deliveries/retry", json=body), 422, says)


def test_an_unknown_status_is_422(api: Local) -> None:
    problem(api.get("/v1/deliveries?status=lost"), 422, "query.status: expected ")
