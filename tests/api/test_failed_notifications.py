"""Notifications that failed, over HTTP and by command: of what, to whom and why; sent again; and counted."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from integrations.contracts.notification import NOTIFIED
from integrations.notifications.notification import notifications
from integrations.outbound.relay import Relay
from integrations.outbound.retry_policy import DEAD_AFTER
from integrations.tables import lms_activity, lms_cursor
from signals import outbox
from tests.api.support import NOW, accepted
from tests.cli.support import run
from tests.engine.support import HandClock
from tests.integrations.notices import JONES, SMITH, exam
from tests.integrations.scripted_sink import ScriptedSink, relay_to
from tests.support.serving import Local

FAILED = "/v1/notifications/failed"


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def sink() -> ScriptedSink:
    """Reaches Smith, and not Jones."""
    sink = ScriptedSink("chat", frozenset(NOTIFIED))
    sink.refuses = lambda one: "no such user" if one.user_id == JONES.user_id else None
    return sink


@pytest.fixture
def api(database_url: str, clock: HandClock) -> Iterator[Local]:
    """Two exams were passed, of which both are to be told."""
    exams = [exam(f"exam-{number}", timestamp=NOW) for number in (1, 2)]
    rows = [
        {
            "user_id": one.student_id,
            "message_id": one.event_id,
            "type": one.event_type,
            "occurred_at": NOW,
            "noticed_at": NOW,
        }
        for one in exams
    ]

    async def announce() -> None:
        async with local.engine.database.write() as connection:
            await connection.execute(insert(lms_activity), rows)
            for one in exams:
                await outbox.enqueue_deliveries(connection, notifications(one, one.event_id, [SMITH, JONES], NOW))

    with Local(database_url, clock=clock, notify_mentors_enabled=True) as local:
        local.run(announce())
        yield local


@pytest.fixture
def relay(api: Local, clock: HandClock, sink: ScriptedSink) -> Relay:
    """It was tried for as long as that is done: Jones's first is dead, and the second failed once."""
    relay = relay_to(api.engine.database, clock, sink)
    api.run(relay.once())
    clock.now += DEAD_AFTER
    api.run(relay.once())
    api.run(relay.once())
    return relay


@pytest.mark.usefixtures("relay")
def test_they_are_listed_with_what_they_tell_of_and_why_they_failed(api: Local, database_url: str) -> None:
    items = accepted(api.get(FAILED))["items"]

    assert [
        (item["activity"], item["mentor_id"], item["sink"], item["status"], item["last_error"]) for item in items
    ] == [
        ("exam-1", JONES.user_id, "chat", "dead", "no such user"),
        ("exam-2", JONES.user_id, "chat", "pending", "no such user"),
    ]
    assert {item["user_id"] for item in items} == {exam("exam-1").student_id}
    first = accepted(api.get(f"{FAILED}?limit=1"))
    assert first["items"] == items[:1]
    assert accepted(api.get(f"{FAILED}?limit=1&cursor={first['next']}"))["items"] == items[1:]
    shown = run(database_url, "notification", "failed")
    assert [line.split()[0] for line in shown.out.splitlines()] == ["activity", "exam-1", "exam-2"]
    assert "no such user" in shown.out


@pytest.mark.parametrize("by", ["api", "command"])
def test_they_are_sent_again(api: Local, relay: Relay, sink: ScriptedSink, database_url: str, by: str) -> None:
    assert stats(api) == {"events_with_notifications": 2, "events_with_errors": 2}
    sink.refuses = lambda _: None

    if by == "api":
        assert accepted(api.post("/v1/notifications/retry")) == {"retried": 2}
    else:
        assert run(database_url, "notification", "retry").out == "retried        2\n"
    api.run(relay.once())

    assert accepted(api.get(FAILED))["items"] == []
    assert [one.user_id for one in sink.delivered[-2:]] == [JONES.user_id] * 2
    assert stats(api) == {"events_with_notifications": 2, "events_with_errors": 0}


def stats(api: Local) -> dict[str, int]:
    """What is counted of notifications."""
    found = accepted(api.get("/v1/stats/activities"))
    assert found["mentors"] == {"students": 0, "mentors": 0, "hits": 0, "misses": 0}
    return {name: found[name] for name in ("events_with_notifications", "events_with_errors")}


def test_mentors_are_cleared(api: Local, clock: HandClock) -> None:
    clock.now += timedelta(hours=1)
    cleared = accepted(api.post("/v1/mentors/clear"))
    assert cleared == {"cleared_at": clock.now.isoformat().replace("+00:00", "Z")}

    async def moved_at() -> object:
        async with api.engine.database.read() as connection:
            return (await connection.execute(select(lms_cursor.c.moved_at))).scalar_one()

    assert api.run(moved_at()) == clock.now
