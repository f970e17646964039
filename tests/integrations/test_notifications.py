"""Notifications from the outbox to the mentors: who is told of what, once, and what is noted of it.

On SQLite and on PostgreSQL, to sinks that do as they are told.
"""

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
from integrations.notifications.render import message
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


async def notice(engine: Engine, activity: Activity, *recipients: Recipient) -> None:
    """Keeps an activity as the monitor does, with what is to be told of it."""
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
    """What no log line may have of the people in these tests."""
    people = {word for each in (SMITH, JONES) for word in (each.username, each.name, each.email) if word}
    return people | {"john_doe", "jane_smith", "Mathematics", "For and while", "Programming 101"}


async def told_of(engine: Engine) -> Sequence[tuple[object, ...]]:
    """The activities of which a mentor was told."""
    return await rows(
        engine.database, "SELECT message_id FROM lms_activity WHERE notified_at IS NOT NULL ORDER BY message_id"
    )


async def counted(engine: Engine) -> Sequence[tuple[object, ...]]:
    return await rows(
        engine.database, "SELECT day, type, sum(activities) FROM lms_notified_daily GROUP BY day, type ORDER BY type"
    )


async def test_each_mentor_is_told_once_and_the_activity_is_noted_with_the_first(
    engine: Engine, clock: HandClock
) -> None:
    """Given two mentors of whom one cannot be reached, when the other is told, then the activity counts, and once."""
    sink = ScriptedSink(types=MENTORS)
    sink.refuses = lambda one: "not now" if one.user_id == JONES.user_id else None

    await notice(engine, exam(), SMITH, JONES)
    await notice(engine, content(), SMITH)
    await notice(engine, exam("started", "exam_started"), SMITH)
    relay = relay_to(engine.database, clock, sink)
    assert await relay.once() == (2, 1)
    assert await told_of(engine) == [("content-1",), ("exam-1",)]

    clock.now += timedelta(days=1)
    sink.refuses = lambda _: None
    assert await relay.once() == (1, 0)
    day = (await counted(engine))[0][0]
    assert str(day) == "2026-11-29"
    assert [row[1:] for row in await counted(engine)] == [("content_completed", 1), ("exam_passed", 1)]
    [first] = await rows(engine.database, "SELECT DISTINCT notified_at FROM lms_activity WHERE type <> 'exam_started'")
    assert "2026-11-29" in str(first[0])

    assert sorted(one.user_id for one in sink.delivered) == ["456", "456", "457"]


async def test_several_mentors_who_are_told_at_once_count_an_activity_once(engine: Engine, clock: HandClock) -> None:
    sink = ScriptedSink(types=MENTORS)

    await notice(engine, exam(), SMITH, JONES)
    assert await relay_to(engine.database, clock, sink).once() == (2, 0)
    assert [row[1:] for row in await counted(engine)] == [("exam_passed", 1)]


async def test_a_second_sink_counts_no_activity_again(engine: Engine, clock: HandClock) -> None:
    chat, mail = ScriptedSink("chat", MENTORS), ScriptedSink("mail", MENTORS)

    await notice(engine, exam(), SMITH)
    assert await relay_to(engine.database, clock, chat, mail).once() == (2, 0)
    assert [row[1:] for row in await counted(engine)] == [("exam_passed", 1)]


async def test_what_no_sink_takes_is_not_noted(engine: Engine, clock: HandClock) -> None:
    sink = ScriptedSink(types=MENTORS)
    sink.refuses = lambda _: "never"
    sink.is_final = lambda _: True

    await notice(engine, exam(), SMITH)
    assert await relay_to(engine.database, clock, sink).once() == (0, 1)
    assert (await told_of(engine), await counted(engine)) == ([], [])


async def test_the_same_activity_again_is_announced_once(engine: Engine, clock: HandClock) -> None:
    for _ in range(2):
        async with engine.database.write() as connection:
            await outbox.enqueue_deliveries(connection, notifications(exam(), "exam-1", [SMITH, SMITH, JONES], clock()))
    assert [row[0] for row in await rows(engine.database, "SELECT user_id FROM lms_outbox ORDER BY 1")] == [
        "456",
        "457",
    ]


async def test_a_summary_tells_each_mentor_of_the_period_once(engine: Engine, clock: HandClock) -> None:
    """Given activities of yesterday and today, when today is summed up, then each mentor hears of theirs of today."""
    sink = ScriptedSink(types=frozenset({"activity_summary"}))
    clock.now = at(1.75)

    await notice(engine, exam("yesterday", timestamp=at(0.9)), SMITH)
    await notice(engine, exam("a", timestamp=at(1)), SMITH, JONES)
    await notice(engine, exam("b", "exam_failed", timestamp=at(1.1)), SMITH)
    await notice(engine, content(timestamp=at(1.2)), SMITH)
    assert await queue_summaries(engine.database, Period.TODAY, clock()) == 2
    assert await queue_summaries(engine.database, Period.TODAY, clock()) == 2
    assert await queue_summaries(engine.database, Period.LAST_HOUR, clock()) == 0
    assert await relay_to(engine.database, clock, sink).once() == (2, 0)
    assert {item.type for item in await deliveries(engine)} == {"activity_summary"}

    to_smith, to_jones = sorted(sink.delivered, key=lambda one: one.user_id)
    assert message(to_smith.type, to_smith.body).splitlines() == [
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
    assert "1 exam passed\n" in message(to_jones.type, to_jones.body)


async def test_the_last_hour_is_the_last_full_one(engine: Engine, clock: HandClock) -> None:
    sink = ScriptedSink(types=frozenset({"activity_summary"}))

    for minute in (-1, 0, 59, 60):
        clock.now = at(1) + timedelta(minutes=minute)
        await notice(engine, exam(f"at {minute}", timestamp=clock.now), SMITH)
    clock.now = at(1) + timedelta(minutes=61)
    assert await queue_summaries(engine.database, Period.LAST_HOUR, clock()) == 1
    assert await relay_to(engine.database, clock, sink).once() == (1, 0)

    [one] = sink.delivered
    assert one.body["counts"] == {"exam_passed": 2}


async def test_a_subscriber_is_told_without_the_mentors_addresses(database_url: str, clock: HandClock) -> None:
    """Given a URL that asked for exams passed and summaries, when there are some, then it has no address in it."""

    with receiving() as receiver:
        async with running(database_url, clock) as engine:
            async with engine.database.write() as connection:
                await subscriptions.create(connection, receiver.url, {"exam_passed", "activity_summary"}, clock())
            await notice(engine, exam(timestamp=clock()), SMITH)
            await notice(engine, content(timestamp=clock()), SMITH)
            clock.now += timedelta(hours=1)
            await queue_summaries(engine.database, Period.TODAY, clock())
            sinks = Sinks([], webhooks(engine.database, clock, private=True))
            assert await Relay(engine.database, sinks, clock).once() == (2, 0)
            assert await told_of(engine) == [("exam-1",)]
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
    """Waits until every delivery is noted as sent."""
    for _ in range(LOOKS):
        if {item.status for item in await deliveries(engine)} == {"sent"}:
            return
        await asyncio.sleep(LOOK_EVERY_SEC)
    raise AssertionError(await deliveries(engine))


def relay_to_zulip(engine: Engine, url: str) -> Relay:
    bot, pace = Bot(url, BOT_EMAIL, BOT_KEY), RateLimiter()
    known = SinkSpec("zulip", "zulip", MENTORS, lambda: ZulipSink(bot, pace))
    return Relay(engine.database, Sinks([known], no_webhook), engine.clock, Limits(longest_pause_sec=0.05))


async def test_a_zulip_that_is_away_and_then_asks_for_pauses_is_sent_all_once_and_no_attempt_is_counted(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a Zulip that cannot be reached, then says that it is asked too much, when it is well, then all is there."""
    pauses = iter([0.2, 0.1])
    zulip = ZulipServer()
    zulip.users = {str(SMITH.email): 11, str(JONES.email): 12}
    zulip.trouble = lambda _: rate_limited(sec) if len(zulip.letters) == 1 and (sec := next(pauses, 0)) else None
    port = free_port()

    for number in range(3):
        await notice(engine, exam(f"exam {number}"), SMITH, JONES)
    async with in_background(relay_to_zulip(engine, f"http://127.0.0.1:{port}").run):
        await until(lambda: "cannot send to zulip" in caplog.text)
        with zulip_serving(zulip, port):
            await until(lambda: len(zulip.letters) == 6)
            await all_sent(engine)
    assert {item.attempts for item in await deliveries(engine)} == {1}

    assert (len(set(zulip.to(11))), len(set(zulip.to(12)))) == (3, 3)
    assert next(pauses, None) is None
    assert "zulip asks for a pause of 0 s" in caplog.messages


async def test_zulips_own_words_are_noted_for_operators_and_not_logged(
    database_url: str, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a Zulip whose errors tell of people, when it refuses, then the log tells of nobody."""
    words = f"{SMITH.email} of john_doe is not here"

    with caplog.at_level(logging.INFO), zulip_serving() as zulip:
        zulip.users = {str(SMITH.email): 11}
        async with running(database_url, clock) as engine:
            await notice(engine, exam(), SMITH)
            await notice(engine, exam("another"), JONES)
            relay = relay_to_zulip(engine, zulip.url)
            zulip.trouble = lambda asked: error(400, "BAD_REQUEST", words) if "11" in asked.form.get("to", "") else None
            assert await relay.once() == (0, 2)
            said = {item.last_error for item in await deliveries(engine)}
            assert said == {
                f"expected Zulip to take it, found 400 BAD_REQUEST: {words}",
                "expected Zulip to take it, found 400 BAD_REQUEST: No such user",
            }
            assert {item.status for item in await deliveries(engine)} == {"dead"}
    assert "messages to zulip fail: expected Zulip to take it, found 400 BAD_REQUEST" in caplog.messages
    assert [secret for secret in secrets() if any(secret in line for line in caplog.messages)] == []
