"""The relay with scripted sinks: every message is delivered, each learner's in order; on SQLite and on PostgreSQL."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from engine.engine import Engine
from engine.replay.run import replay
from engine.replay.store import ReplayRequest
from eventstore.errors import LmsError, UnavailableError
from integrations.outbound import deliveries
from integrations.outbound.fan_out import FanOut
from integrations.outbound.retry_policy import DEAD_AFTER, JITTER, LONGEST_DELAY, retry_delay
from integrations.outbound.sink import OutboundMessage, Sinks
from integrations.runtime.leader import in_background
from integrations.runtime.lease import Lease
from integrations.runtime.limits import DEFAULT_LIMITS
from integrations.tables import DeliveryStatus
from signals.signal import SignalType
from tests.conftest import opened
from tests.engine.rows import change, value
from tests.engine.support import HandClock, at, running
from tests.integrations.scripted_sink import (
    SHORT_PAUSES,
    Content,
    ScriptedSink,
    complete,
    no_webhook,
    publish,
    relay_to,
    until,
)
from tests.integrations.scripted_sink import deliveries as all_deliveries

NOW = at(1)
LONGEST = LONGEST_DELAY * (1 + JITTER)
BATCH = DEFAULT_LIMITS.sink_batch_messages


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


async def test_each_message_is_delivered_once_and_in_order(engine: Engine, clock: HandClock) -> None:
    """Given a completed course of one step, when the relay runs twice, then each message is delivered once."""
    sink = ScriptedSink()

    await publish(engine, "x", "a")
    await complete(engine, "a")
    relay = relay_to(engine.database, clock, sink)

    assert await relay.once() == (3, 0)
    assert await relay.once() == (0, 0)

    signals = await value(engine.database, "SELECT count(*) FROM lms_signal")
    assert (signals, {item.status for item in await all_deliveries(engine)}) == (3, {DeliveryStatus.SENT})

    assert sink.contents == [
        ("ada", "VIDEO_COMPLETED", "a"),
        ("ada", "STEP_COMPLETED", "a"),
        ("ada", "COURSE_COMPLETED", "x"),
    ]
    assert sink.delivered[2].body == {
        "type": "COURSE_COMPLETED",
        "user_id": "ada",
        "class_id": None,
        "course_id": "x",
        "occurred_at": "2026-11-28T00:00:00.000000Z",
        "signal_id": sink.delivered[2].message_id,
        "percent": 100,
    }
    assert "percent" not in sink.delivered[0].body


async def test_steps_that_are_completed_together_have_increasing_percentages(engine: Engine, clock: HandClock) -> None:
    """Given a course of three steps, when two are completed at once and the third later, then it is at 33, 66, 100."""
    sink = ScriptedSink(types=frozenset({SignalType.STEP_COMPLETED, SignalType.COURSE_COMPLETED}))

    await publish(engine, "x", "a", "b", "c")
    await complete(engine, "a", "b")
    await complete(engine, "a", user_id="bob")
    relay = relay_to(engine.database, clock, sink)
    await relay.once()
    await complete(engine, "c")
    await relay.once()

    assert [(*content, one.body["percent"]) for content, one in zip(sink.contents, sink.delivered, strict=True)] == [
        ("ada", "STEP_COMPLETED", "a", 33),
        ("ada", "STEP_COMPLETED", "b", 66),
        ("bob", "STEP_COMPLETED", "a", 33),
        ("ada", "STEP_COMPLETED", "c", 100),
        ("ada", "COURSE_COMPLETED", "x", 100),
    ]


async def test_the_percentage_is_of_the_current_version(engine: Engine, clock: HandClock) -> None:
    """Given a completed step of an earlier version, when a current step is completed, then only that one counts."""
    sink = ScriptedSink(types=frozenset({SignalType.STEP_COMPLETED}))

    await publish(engine, "x", "a", "b")
    await complete(engine, "a")
    clock.now = at(2)
    await publish(engine, "x", "b", "c", "d")
    await complete(engine, "b")
    await relay_to(engine.database, clock, sink).once()

    assert [one.body["percent"] for one in sink.delivered] == [0, 33]


async def test_a_sink_gets_the_types_that_it_accepts(engine: Engine, clock: HandClock) -> None:
    """Given two sinks of different types, when messages of all types are written, then each sink gets its own types."""
    videos = ScriptedSink("videos", frozenset({SignalType.VIDEO_COMPLETED}))
    courses = ScriptedSink("courses", frozenset({SignalType.COURSE_COMPLETED}))

    await publish(engine, "x", "a")
    await complete(engine, "a")
    assert await relay_to(engine.database, clock, videos, courses).once() == (2, 0)

    assert [content.type for content in videos.contents + courses.contents] == ["VIDEO_COMPLETED", "COURSE_COMPLETED"]


async def test_a_failed_message_blocks_its_learner_and_nobody_else(engine: Engine, clock: HandClock) -> None:
    """Given a sink that refuses ada, when others have messages, then theirs are delivered, and hers later."""
    sink = ScriptedSink()
    sink.refuses = lambda one: "not now" if one.user_id == "ada" else None

    await publish(engine, "x", "a")
    await complete(engine, "a")
    await complete(engine, "a", user_id="bob")
    relay = relay_to(engine.database, clock, sink)
    assert await relay.once() == (3, 1)
    assert await relay.once() == (0, 0), "she is blocked"
    first, *others = [item for item in await all_deliveries(engine) if item.user_id == "ada"]
    assert (first.status, first.attempts, first.last_error) == (DeliveryStatus.PENDING, 1, "not now")
    assert [item.attempts for item in others] == [0, 0]

    clock.now += timedelta(seconds=10)
    sink.refuses = lambda _: None
    assert await relay.once() == (3, 0)

    assert [content.user_id for content in sink.contents] == ["bob"] * 3 + ["ada"] * 3
    assert [one.attempts for one in sink.delivered] == [0, 0, 0, 1, 0, 0]


async def test_after_three_days_a_delivery_is_dead_and_the_next_one_is_sent(engine: Engine, clock: HandClock) -> None:
    """Given a sink that never accepts steps, when three days pass, then these are dead, and later messages are sent."""
    sink = ScriptedSink()
    sink.refuses = lambda one: "never" if one.type == SignalType.STEP_COMPLETED else None

    await publish(engine, "x", "a")
    await complete(engine, "a")
    relay = relay_to(engine.database, clock, sink)
    while clock.now < NOW + DEAD_AFTER + LONGEST:
        await relay.once()
        clock.now += timedelta(hours=1)
    dead = [item for item in await all_deliveries(engine) if item.status == DeliveryStatus.DEAD]
    assert [(item.type, item.last_error) for item in dead] == [("STEP_COMPLETED", "never")]
    assert 10 < dead[0].attempts < 30
    async with in_background(relay_to(engine.database, clock, sink).run):
        await until(lambda: REGISTRY.get_sample_value("dlq_message_count", {"source": "relay"}) == 1)

    sink.refuses = lambda _: None
    async with engine.database.write() as connection:
        assert await deliveries.retry(connection, {"sink": "another"}, clock()) == 0
        assert await deliveries.retry(connection, {"sink": sink.name, "user_id": "ada"}, clock()) == 1
    assert await relay.once() == (1, 0)

    assert [content.type for content in sink.contents] == ["VIDEO_COMPLETED", "COURSE_COMPLETED", "STEP_COMPLETED"]


async def test_a_final_refusal_is_dead_at_once_and_blocks_nothing(engine: Engine, clock: HandClock) -> None:
    """Given a sink that refuses steps for good, when the relay runs, then later messages are delivered."""
    sink = ScriptedSink()
    sink.refuses = lambda one: "never" if one.type == SignalType.STEP_COMPLETED else None
    sink.is_final = lambda _: True

    await publish(engine, "x", "a")
    await complete(engine, "a")
    assert await relay_to(engine.database, clock, sink).once() == (2, 1)
    outcomes = [(item.status, item.attempts, item.last_error, item.receipt) for item in await all_deliveries(engine)]
    assert outcomes == [
        (DeliveryStatus.SENT, 1, None, "number 1"),
        (DeliveryStatus.DEAD, 1, "never", None),
        (DeliveryStatus.SENT, 1, None, "number 2"),
    ]

    assert [content.type for content in sink.contents] == ["VIDEO_COMPLETED", "COURSE_COMPLETED"]


async def test_an_unavailable_sink_counts_no_attempt(engine: Engine, clock: HandClock) -> None:
    """Given an unavailable broker, when it is available again, then all is delivered, at the first attempt."""
    sink = ScriptedSink()
    sink.errors.extend([UnavailableError("no broker")] * 3)

    await complete(engine, "a", "b")
    async with in_background(relay_to(engine.database, clock, sink).run):
        await until(lambda: len(sink.delivered) == 2)
    await engine.database.check()
    assert [item.attempts for item in await all_deliveries(engine)] == [1, 1]

    assert sink.opened == 4, "a new sink was opened each time"


async def test_an_outage_is_logged_once_and_its_end_once(
    new_sqlite: Callable[[], str], clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a broker that is unavailable for many attempts, when it is available again, then the log has two lines."""
    sink = ScriptedSink()
    sink.errors.extend([UnavailableError("no broker")] * 5)

    with caplog.at_level(logging.WARNING, logger="integrations"):
        async with running(new_sqlite(), clock) as engine:
            await complete(engine, "a")
            async with in_background(relay_to(engine.database, clock, sink).run):
                await until(lambda: "works again" in caplog.text)
    assert caplog.messages == ["cannot send to scripted: no broker", "sending to scripted works again"]


async def test_an_internal_error_fails_its_message_and_no_other(engine: Engine, clock: HandClock) -> None:
    """Given a sink that raises an error on one message, when the relay runs, then the others are delivered."""
    sink = ScriptedSink()

    def raises(one: OutboundMessage) -> str | None:
        if one.user_id == "bob":
            raise KeyError("secret words")
        return None

    sink.refuses = raises

    for user_id in ("ada", "bob", "cyd"):
        await complete(engine, "a", user_id=user_id)
    await relay_to(engine.database, clock, sink).once()
    of_bob = [item for item in await all_deliveries(engine) if item.user_id == "bob"]
    assert [(item.status, item.attempts) for item in of_bob] == [(DeliveryStatus.PENDING, 1)]
    assert "secret words" not in str(of_bob[0].last_error)

    assert {content.user_id for content in sink.contents} == {"ada", "cyd"}


async def test_a_failing_sink_is_attempted_with_one_message_at_a_time_and_logged_once(
    engine: Engine, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a sink that fails, when it works again, then it got one message at a time meanwhile."""
    sink, learners = ScriptedSink(), BATCH + 20
    sink.refuses = lambda _: "no" if len(sink.batches) < 5 else None

    for number in range(learners):
        await complete(engine, "a", user_id=f"learner-{number}")
    async with in_background(relay_to(engine.database, clock, sink).run):
        await until(lambda: len(sink.delivered) == learners - len(sink.refused))

    assert sink.batches[:5] == [BATCH, 1, 1, 1, 1]
    assert caplog.messages == [
        "messages to scripted fail: no",
        "messages to scripted are delivered again",
    ]


async def test_one_relay_runs_at_a_time(engine: Engine, clock: HandClock) -> None:
    """Given a relay that holds the lease, when another begins, then it is refused; and not once the lease expired."""
    sink = ScriptedSink()

    await complete(engine, "a")
    assert await Lease(engine.database, "relay", clock).acquire()
    with pytest.raises(LmsError, match="another relay is running"):
        await relay_to(engine.database, clock, sink).once()
    clock.now += DEFAULT_LIMITS.lease_duration
    assert await relay_to(engine.database, clock, sink).once() == (1, 0)
    assert await relay_to(engine.database, clock, sink).once() == (0, 0), "a relay that ends gives its lease up"


async def test_a_relay_that_lost_its_lease_stops(engine: Engine, clock: HandClock) -> None:
    """Given a running relay, when another process takes its lease, then it sends no more until that one expires."""
    sink, limits = ScriptedSink(), replace(SHORT_PAUSES, lease_renewal_sec=0.01)

    async with in_background(relay_to(engine.database, clock, sink, limits=limits).run):
        await complete(engine, "a")
        await until(lambda: len(sink.delivered) == 1)
        await change(engine.database, "UPDATE lms_lease SET holder = 'another'")
        await asyncio.sleep(0.5)
        await complete(engine, "b")
        await asyncio.sleep(1)
        assert len(sink.delivered) == 1
        clock.now += DEFAULT_LIMITS.lease_duration
        await until(lambda: len(sink.delivered) == 2)


async def test_two_that_fan_out_at_once_do_it_once(database_url: str, clock: HandClock) -> None:
    """Given two processes that believe to be the leader, when both fan out, then each message is fanned out once."""
    async with running(database_url, clock) as engine, opened(database_url) as other:
        for number in range(20):
            await complete(engine, "a", "b", user_id=f"learner-{number}")
        sinks = Sinks([ScriptedSink().spec], no_webhook)
        await asyncio.gather(*(FanOut(database, sinks, clock).next() for database in (engine.database, other)))
        assert len(await all_deliveries(engine)) == 40


async def test_a_replay_sends_nothing_again(engine: Engine, clock: HandClock) -> None:
    """Given delivered signals, when a replay derives them again, then nothing is delivered, even if it publishes."""
    sink = ScriptedSink()

    await publish(engine, "x", "a")
    await complete(engine, "a")
    relay = relay_to(engine.database, clock, sink)
    await relay.once()
    for publishes in (False, True):
        await change(engine.database, "DELETE FROM lms_signal WHERE user_id = 'ada'")
        request = ReplayRequest(user_id="ada", publish=publishes)
        assert (await replay(engine.database, engine.context, clock, request)).signals_gained == 3
        assert await relay.once() == (0, 0)

    assert len(sink.delivered) == 3


async def test_after_random_failures_each_learners_messages_arrive_in_order(engine: Engine, clock: HandClock) -> None:
    """Given a sink that fails at random, when time passes, then each learner's messages arrive in the order of seq."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw, sink, learners = random.Random(seed), ScriptedSink(), [f"learner-{number}" for number in range(8)]
    sink.refuses = lambda _: "by chance" if draw.random() < 0.3 else None

    await publish(engine, "x", *"abcdef")
    relay = relay_to(engine.database, clock, sink)
    for class_id in "abcdef":
        for user_id in draw.sample(learners, 5):
            await complete(engine, class_id, user_id=user_id)
        await relay.once()
        clock.now += timedelta(seconds=draw.choice([0, 10, 60]))
    while any(item.status == DeliveryStatus.PENDING for item in await all_deliveries(engine)):
        clock.now += timedelta(hours=1)
        await relay.once()
    written = [Content(item.user_id, item.type, item.message_id) for item in await all_deliveries(engine)]

    delivered = [(one.user_id, one.type, one.message_id) for one in sink.delivered]
    assert sorted(delivered) == sorted(written)
    for user_id in learners:
        assert [one for one in delivered if one[0] == user_id] == [one for one in written if one[0] == user_id]
    assert len(sink.refused) > 0


def test_delays_grow_and_have_jitter() -> None:
    """Given many failures, when the next attempt is scheduled, then after 5 s, 15 s … 6 h, plus or minus a fifth."""
    drawn = [retry_delay(attempts) for attempts in range(1, 40)]
    expected = [min(5.0 * 3**n, LONGEST_DELAY.total_seconds()) for n in range(39)]
    for one, middle in zip(drawn, expected, strict=True):
        assert (1 - JITTER) * middle <= one.total_seconds() <= (1 + JITTER) * middle
    assert len({retry_delay(1) for _ in range(10)}) > 1
