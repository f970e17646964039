"""Notifications from the outbox to the mentors: each is delivered once, and counted; on SQLite and on PostgreSQL."""

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import insert

from engine.engine import Engine
from integrations.contracts.activity import Activity
from integrations.contracts.notification import NOTIFIED
from integrations.notifications.notification import notifications
from integrations.notifications.recipient import Recipient
from integrations.notifications.render import render
from integrations.notifications.summaries import queue_summaries
from integrations.notifications.summary import Period
from integrations.outbound.relay import Relay
from integrations.outbound.sink import Sinks, SinkSpec
from integrations.runtime.leader import in_background
from integrations.runtime.limits import Limits
from integrations.tables import lms_activity
from integrations.webhook import subscriptions
from integrations.webhook.webhooks import webhooks
from integrations.zulip.client import Bot
from integrations.zulip.rate_limiter import RateLimiter
from integrations.zulip.sink import ZulipSink
from signals import outbox
from tests.engine.rows import rows
from tests.engine.support import HandClock, at, running
from tests.integrations.http_receiver import receiving
from tests.integrations.notices import JONES, NOW, SMITH, content, exam
from tests.integrations.scripted_sink import (
    LOOK_EVERY_SEC,
    LOOKS,
    ScriptedSink,
    deliveries,
    no_webhook,
    relay_to,
    until,
)
from tests.support.postgres import free_port
from tests.support.zulip import BOT_EMAIL, BOT_KEY, ZulipServer, error, rate_limited, zulip_serving

MENTORS = frozenset(NOTIFIED)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


async def store(engine: Engine, activity: Activity, *recipients: Recipient) -> None:
    """Store an activity as the monitor does, with its notifications."""
    now = engine.clock()
    row = {
        "user_id": activity.student_id,
        "message_id": activity.event_id,
        "type": activity.event_type,
        "occurred_at": activity.timestamp,
        "noticed_at": now,
    }
    async with engine.database.write() as connection:
        await connection.execute(insert(lms_activity), row)
        await outbox.enqueue_deliveries(connection, notifications(activity, activity.event_id, recipients, now))


def secrets() -> set[str]:
    """Return the words about people that no log line may quote."""
    people = {word for each in (SMITH, JONES) for word in (each.username, each.name, each.email) if word}
    return people | {"john_doe", "jane_smith", "Mathematics", "For and while", "Programming 101"}


async def notified_activities(engine: Engine) -> Sequence[tuple[object, ...]]:
    """Return the activities of which a mentor was notified."""
    return await rows(
        engine.database, "SELECT message_id FROM lms_activity WHERE notified_at IS NOT NULL ORDER BY message_id"
    )


async def counted(engine: Engine) -> Sequence[tuple[object, ...]]:
    return await rows(
        engine.database, "SELECT day, type, sum(activities) FROM lms_notified_daily GROUP BY day, type ORDER BY type"
    )


async def test_each_mentor_is_notified_once_and_the_activity_is_marked_with_the_first(
    engine: Engine, clock: HandClock
) -> None:
    """Given a mentor who cannot be reached, when another one is notified, then the activity counts, and once."""
    sink = ScriptedSink(types=MENTORS)
    sink.refuses = lambda one: "not now" if one.user_id == JONES.user_id else None

    await store(engine, exam(), SMITH, JONES)
    await store(engine, content(), SMITH)
    await store(engine, exam("started", "exam_started"), SMITH)
    relay = relay_to(engine.database, clock, sink)
    assert await relay.once() == (2, 1)
    assert await notified_activities(engine) == [("content-1",), ("exam-1",)]

    clock.now += timedelta(days=1)
    sink.refuses = lambda _: None
    assert await relay.once() == (1, 0)
    day = (await counted(engine))[0][0]
    assert str(day) == "2026-11-29"
    assert [row[1:] for row in await counted(engine)] == [("content_completed", 1), ("exam_passed", 1)]
    [first] = await rows(engine.database, "SELECT DISTINCT notified_at FROM lms_activity WHERE type <> 'exam_started'")
    assert "2026-11-29" in str(first[0])

    assert sorted(one.user_id for one in sink.delivered) == ["456", "456", "457"]


async def test_mentors_who_are_notified_together_count_an_activity_once(engine: Engine, clock: HandClock) -> None:
    sink = ScriptedSink(types=MENTORS)

    await store(engine, exam(), SMITH, JONES)
    assert await relay_to(engine.database, clock, sink).once() == (2, 0)
    assert [row[1:] for row in await counted(engine)] == [("exam_passed", 1)]


async def test_a_second_sink_counts_no_activity_again(engine: Engine, clock: HandClock) -> None:
    chat, mail = ScriptedSink("chat", MENTORS), ScriptedSink("mail", MENTORS)

    await store(engine, exam(), SMITH)
    assert await relay_to(engine.database, clock, chat, mail).once() == (2, 0)
    assert [row[1:] for row in await counted(engine)] == [("exam_passed", 1)]


async def test_a_notification_that_no_sink_delivers_is_not_counted(engine: Engine, clock: HandClock) -> None:
    sink = ScriptedSink(types=MENTORS)
    sink.refuses = lambda _: "never"
    sink.is_final = lambda _: True

    await store(engine, exam(), SMITH)
    assert await relay_to(engine.database, clock, sink).once() == (0, 1)
    assert (await notified_activities(engine), await counted(engine)) == ([], [])


async def test_an_activity_that_is_read_again_is_queued_once(engine: Engine, clock: HandClock) -> None:
    for _ in range(2):
        async with engine.database.write() as connection:
            await outbox.enqueue_deliveries(connection, notifications(exam(), "exam-1", [SMITH, SMITH, JONES], clock()))
    assert [row[0] for row in await rows(engine.database, "SELECT user_id FROM lms_outbox ORDER BY 1")] == [
        "456",
        "457",
    ]


async def test_each_mentor_gets_one_summary_of_a_period(engine: Engine, clock: HandClock) -> None:
    """Given activities of yesterday and today, when today is summed up, then each mentor gets those of today."""
    sink = ScriptedSink(types=frozenset({"activity_summary"}))
    clock.now = at(1.75)

    await store(engine, exam("yesterday", timestamp=at(0.9)), SMITH)
    await store(engine, exam("a", timestamp=at(1)), SMITH, JONES)
    await store(engine, exam("b", "exam_failed", timestamp=at(1.1)), SMITH)
    await store(engine, content(timestamp=at(1.2)), SMITH)
    assert await queue_summaries(engine.database, Period.TODAY, clock()) == 2
    assert await queue_summaries(engine.database, Period.TODAY, clock()) == 2
    assert await queue_summaries(engine.database, Period.LAST_HOUR, clock()) == 0
    assert await relay_to(engine.database, clock, sink).once() == (2, 0)
    assert {item.type for item in await deliveries(engine)} == {"activity_summary"}

    to_smith, to_jones = sorted(sink.delivered, key=lambda one: one.user_id)
    assert render(to_smith.type, to_smith.body).splitlines() == [
        "**Summary of today**",
        "2026-11-29, until 18:00 UTC",
        "1 exam passed · 1 exam failed · 1 content completed",
        "",
        "**john_doe**",
        "- passed Mathematics Final (85%)",
        "- failed Mathematics Final (85%)",
        "**jane_smith**",
        "- completed For and while",
    ]
    assert "1 exam passed\n" in render(to_jones.type, to_jones.body)


async def test_the_last_hour_is_the_last_full_hour(engine: Engine, clock: HandClock) -> None:
    sink = ScriptedSink(types=frozenset({"activity_summary"}))

    for minute in (-1, 0, 59, 60):
        clock.now = at(1) + timedelta(minutes=minute)
        await store(engine, exam(f"at {minute}", timestamp=clock.now), SMITH)
    clock.now = at(1) + timedelta(minutes=61)
    assert await queue_summaries(engine.database, Period.LAST_HOUR, clock()) == 1
    assert await relay_to(engine.database, clock, sink).once() == (1, 0)

    [one] = sink.delivered
    assert one.body["counts"] == {"exam_passed": 2}


async def test_a_subscriber_gets_notifications_without_addresses(database_url: str, clock: HandClock) -> None:
    """Given a subscription to exams and summaries, when there are some, then they contain no address."""

    with receiving() as receiver:
        async with running(database_url, clock) as engine:
            async with engine.database.write() as connection:
                await subscriptions.create(connection, receiver.url, {"exam_passed", "activity_summary"}, clock())
            await store(engine, exam(timestamp=clock()), SMITH)
            await store(engine, content(timestamp=clock()), SMITH)
            clock.now += timedelta(hours=1)
            await queue_summaries(engine.database, Period.TODAY, clock())
            sinks = Sinks([], webhooks(engine.database, clock, private=True))
            assert await Relay(engine.database, sinks, clock).once() == (2, 0)
            assert await notified_activities(engine) == [("exam-1",)]
    passed, summed = (json.loads(hook.body) for hook in receiver.hooks)
    mentor = {"user_id": "456", "username": "mentor_smith", "name": "Dr. Smith"}
    assert (passed["type"], passed["timestamp"]) == ("exam_passed", "2026-11-29T00:00:00Z")
    assert passed["data"]["recipient"] == mentor
    assert passed["data"]["activity"]["metadata"]["score"] == 85
    assert (summed["data"]["recipient"], summed["data"]["counts"]) == (
        mentor,
        {"exam_passed": 1, "content_completed": 1},
    )
    assert not any(str(SMITH.email).encode() in hook.body for hook in receiver.hooks)


async def all_sent(engine: Engine) -> None:
    """Wait until every delivery is saved as sent."""
    for _ in range(LOOKS):
        if {item.status for item in await deliveries(engine)} == {"sent"}:
            return
        await asyncio.sleep(LOOK_EVERY_SEC)
    raise AssertionError(await deliveries(engine))


def relay_to_zulip(engine: Engine, url: str) -> Relay:
    bot, rate_limiter = Bot(url, BOT_EMAIL, BOT_KEY), RateLimiter()
    spec = SinkSpec("zulip", "zulip", MENTORS, lambda: ZulipSink(bot, rate_limiter))
    return Relay(engine.database, Sinks([spec], no_webhook), engine.clock, Limits(longest_pause_sec=0.05))


async def test_an_unavailable_zulip_that_then_asks_for_pauses_gets_all_once_at_the_first_attempt(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a Zulip that is unavailable, then limits the rate, when it works, then it has every message once."""
    pauses = iter([0.2, 0.1])
    zulip = ZulipServer()
    zulip.users = {str(SMITH.email): 11, str(JONES.email): 12}
    zulip.trouble = lambda _: rate_limited(sec) if len(zulip.letters) == 1 and (sec := next(pauses, 0)) else None
    port = free_port()

    for number in range(3):
        await store(engine, exam(f"exam {number}"), SMITH, JONES)
    async with in_background(relay_to_zulip(engine, f"http://127.0.0.1:{port}").run):
        await until(lambda: "cannot send to zulip" in caplog.text)
        with zulip_serving(zulip, port):
            await until(lambda: len(zulip.letters) == 6)
            await all_sent(engine)
    assert {item.attempts for item in await deliveries(engine)} == {1}

    assert (len(set(zulip.to(11))), len(set(zulip.to(12)))) == (3, 3)
    assert next(pauses, None) is None
    assert "zulip asks for a pause of 0 s" in caplog.messages


async def test_zulips_own_words_are_stored_for_operators_and_not_logged(
    database_url: str, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a Zulip whose errors quote people, when it refuses, then the log quotes nobody."""
    words = f"{SMITH.email} of john_doe is not here"

    with caplog.at_level(logging.INFO), zulip_serving() as zulip:
        zulip.users = {str(SMITH.email): 11}
        async with running(database_url, clock) as engine:
            await store(engine, exam(), SMITH)
            await store(engine, exam("another"), JONES)
            relay = relay_to_zulip(engine, zulip.url)
            zulip.trouble = lambda asked: error(400, "BAD_REQUEST", words) if "11" in asked.form.get("to", "") else None
            assert await relay.once() == (0, 2)
            errors = {item.last_error for item in await deliveries(engine)}
            assert errors == {
                f"Zulip rejected the request: 400 BAD_REQUEST: {words}",
                "Zulip rejected the request: 400 BAD_REQUEST: No such user",
            }
            assert {item.status for item in await deliveries(engine)} == {"dead"}
    assert "messages to zulip fail: Zulip rejected the request: 400 BAD_REQUEST" in caplog.messages
    assert [secret for secret in secrets() if any(secret in line for line in caplog.messages)] == []
