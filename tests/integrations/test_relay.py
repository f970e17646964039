"""The relay, to sinks that do as they are told: all that was announced arrives, each learner's in order.

Each test says what is given, when what happens, then what follows; on SQLite and on PostgreSQL.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from engine.engine import Engine
from engine.replay.run import replay
from engine.replay.store import ReplayRequest
from eventstore.errors import LmsError, UnavailableError
from integrations.outbound import deliveries
from integrations.outbound.retry_policy import DEAD_AFTER, JITTER, LONGEST_PAUSE, retry_delay
from integrations.outbound.sender import BATCH
from integrations.outbound.sink import OutboundMessage
from integrations.runtime import backoff, lease
from integrations.runtime.leader import in_background
from integrations.runtime.lease import Lease
from integrations.tables import DeliveryStatus
from signals.signal import SignalType
from tests.conftest import opened
from tests.engine.rows import change, value
from tests.engine.support import HandClock, at, running
from tests.integrations.sinks import Arrived, ScriptedSink, complete, publish, relay_to, until
from tests.integrations.sinks import deliveries as all_deliveries

NOW = at(1)
LONGEST = LONGEST_PAUSE * (1 + JITTER)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "SHORTEST_SEC", 0.001)
    monkeypatch.setattr(backoff, "LONGEST_SEC", 0.01)


async def test_what_is_announced_arrives_once_and_in_order(engine: Engine, clock: HandClock) -> None:
    """Given a learner who completed a course of one step, when it is relayed twice, then all of it arrives once."""
    sink = ScriptedSink()

    await publish(engine, "x", "a")
    await complete(engine, "a")
    relay = relay_to(engine.database, clock, sink)

    assert await relay.once() == (3, 0)
    assert await relay.once() == (0, 0)

    signals = await value(engine.database, "SELECT count(*) FROM lms_signal")
    assert (signals, {item.status for item in await all_deliveries(engine)}) == (3, {DeliveryStatus.SENT})

    assert sink.told == [
        ("ada", "VIDEO_COMPLETED", "a"),
        ("ada", "STEP_COMPLETED", "a"),
        ("ada", "COURSE_COMPLETED", "x"),
    ]
    assert sink.arrived[2].body == {
        "type": "COURSE_COMPLETED",
        "user_id": "ada",
        "class_id": None,
        "course_id": "x",
        "occurred_at": "2026-11-28T00:00:00.000000Z",
        "signal_id": sink.arrived[2].message_id,
        "percent": 100,
    }
    assert "percent" not in sink.arrived[0].body


async def test_of_steps_that_are_completed_together_each_says_how_far_one_was(engine: Engine, clock: HandClock) -> None:
    """Given a course of three steps, when two are completed at once and the third later, then it is 33, 66 and 100."""
    sink = ScriptedSink(types=frozenset({SignalType.STEP_COMPLETED, SignalType.COURSE_COMPLETED}))

    await publish(engine, "x", "a", "b", "c")
    await complete(engine, "a", "b")
    await complete(engine, "a", user_id="bob")
    relay = relay_to(engine.database, clock, sink)
    await relay.once()
    await complete(engine, "c")
    await relay.once()

    assert [(*told, one.body["percent"]) for told, one in zip(sink.told, sink.arrived, strict=True)] == [
        ("ada", "STEP_COMPLETED", "a", 33),
        ("ada", "STEP_COMPLETED", "b", 66),
        ("bob", "STEP_COMPLETED", "a", 33),
        ("ada", "STEP_COMPLETED", "c", 100),
        ("ada", "COURSE_COMPLETED", "x", 100),
    ]


async def test_percent_is_of_the_version_in_force(engine: Engine, clock: HandClock) -> None:
    """Given a step of an earlier version alone, when another is completed, then only those in force count."""
    sink = ScriptedSink(types=frozenset({SignalType.STEP_COMPLETED}))

    await publish(engine, "x", "a", "b")
    await complete(engine, "a")
    clock.now = at(2)
    await publish(engine, "x", "b", "c", "d")
    await complete(engine, "b")
    await relay_to(engine.database, clock, sink).once()

    assert [one.body["percent"] for one in sink.arrived] == [0, 33]


async def test_a_sink_is_sent_the_types_that_it_takes(engine: Engine, clock: HandClock) -> None:
    """Given two sinks of different types, when something of all types is announced, then each gets its own."""
    videos = ScriptedSink("videos", frozenset({SignalType.VIDEO_COMPLETED}))
    courses = ScriptedSink("courses", frozenset({SignalType.COURSE_COMPLETED}))

    await publish(engine, "x", "a")
    await complete(engine, "a")
    assert await relay_to(engine.database, clock, videos, courses).once() == (2, 0)

    assert [told.type for told in videos.told + courses.told] == ["VIDEO_COMPLETED", "COURSE_COMPLETED"]


async def test_what_fails_holds_back_its_learner_and_nobody_else(engine: Engine, clock: HandClock) -> None:
    """Given a sink that refuses ada, when others are announced, then they arrive; hers once it takes her."""
    sink = ScriptedSink()
    sink.refuses = lambda one: "not now" if one.user_id == "ada" else None

    await publish(engine, "x", "a")
    await complete(engine, "a")
    await complete(engine, "a", user_id="bob")
    relay = relay_to(engine.database, clock, sink)
    assert await relay.once() == (3, 1)
    assert await relay.once() == (0, 0), "she is held back"
    first, *others = [item for item in await all_deliveries(engine) if item.user_id == "ada"]
    assert (first.status, first.attempts, first.last_error) == (DeliveryStatus.PENDING, 1, "not now")
    assert [item.attempts for item in others] == [0, 0]

    clock.now += timedelta(seconds=10)
    sink.refuses = lambda _: None
    assert await relay.once() == (3, 0)

    assert [told.user_id for told in sink.told] == ["bob"] * 3 + ["ada"] * 3
    assert [one.attempts for one in sink.arrived] == [0, 0, 0, 1, 0, 0]


async def test_after_three_days_a_delivery_is_dead_and_the_next_one_goes(engine: Engine, clock: HandClock) -> None:
    """Given a sink that never takes steps, when three days pass, then those are dead, and what followed arrives."""
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

    assert [told.type for told in sink.told] == ["VIDEO_COMPLETED", "COURSE_COMPLETED", "STEP_COMPLETED"]


async def test_what_is_refused_for_good_is_dead_at_once_and_holds_back_nothing(
    engine: Engine, clock: HandClock
) -> None:
    """Given a sink that never takes steps, and says so, when it is relayed, then what followed has arrived."""
    sink = ScriptedSink()
    sink.refuses = lambda one: "never" if one.type == SignalType.STEP_COMPLETED else None
    sink.is_final = lambda _: True

    await publish(engine, "x", "a")
    await complete(engine, "a")
    assert await relay_to(engine.database, clock, sink).once() == (2, 1)
    became = [(item.status, item.attempts, item.last_error, item.receipt) for item in await all_deliveries(engine)]
    assert became == [
        (DeliveryStatus.SENT, 1, None, "number 1"),
        (DeliveryStatus.DEAD, 1, "never", None),
        (DeliveryStatus.SENT, 1, None, "number 2"),
    ]

    assert [told.type for told in sink.told] == ["VIDEO_COMPLETED", "COURSE_COMPLETED"]


async def test_while_nothing_can_be_sent_at_all_no_attempt_is_counted(engine: Engine, clock: HandClock) -> None:
    """Given a broker that is away, when it is back, then all arrives, at the first attempt."""
    sink = ScriptedSink()
    sink.troubles.extend([UnavailableError("no broker")] * 3)

    await complete(engine, "a", "b")
    async with in_background(relay_to(engine.database, clock, sink).run):
        await until(lambda: len(sink.arrived) == 2)
    await engine.database.check()
    assert [item.attempts for item in await all_deliveries(engine)] == [1, 1]

    assert sink.opened == 4, "it was made anew each time"


async def test_a_broker_that_is_away_is_told_of_once_and_once_more_when_it_is_back(
    new_sqlite: Callable[[], str], clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a broker that is away for many attempts, when it is back, then the log has two lines of it."""
    sink = ScriptedSink()
    sink.troubles.extend([UnavailableError("no broker")] * 5)

    with caplog.at_level(logging.WARNING, logger="integrations"):
        async with running(new_sqlite(), clock) as engine:
            await complete(engine, "a")
            async with in_background(relay_to(engine.database, clock, sink).run):
                await until(lambda: "goes on" in caplog.text)
    assert caplog.messages == ["sending to scripted is interrupted: no broker", "sending to scripted goes on"]


async def test_a_fault_of_ours_costs_the_announcement_that_it_is_about_and_no_other(
    engine: Engine, clock: HandClock
) -> None:
    """Given a sink that raises on one announcement, when it is relayed, then the others arrive."""
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

    assert {told.user_id for told in sink.told} == {"ada", "cyd"}


async def test_a_sink_at_which_nothing_arrives_is_tried_with_one_at_a_time_and_told_of_once(
    engine: Engine, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a sink that takes nothing, when it does again, then it was asked little meanwhile."""
    sink, learners = ScriptedSink(), BATCH + 20
    sink.refuses = lambda _: "no" if len(sink.batches) < 5 else None

    for number in range(learners):
        await complete(engine, "a", user_id=f"learner-{number}")
    async with in_background(relay_to(engine.database, clock, sink).run):
        await until(lambda: len(sink.arrived) == learners - len(sink.refused))

    assert sink.batches[:5] == [BATCH, 1, 1, 1, 1]
    assert caplog.messages == [
        "announcements do not arrive at scripted: no",
        "announcements arrive at scripted again",
    ]


async def test_one_relay_is_at_work_at_a_time(engine: Engine, clock: HandClock) -> None:
    """Given a relay that holds the lease, when another begins, then it is refused; and not once the lease expired."""
    sink = ScriptedSink()

    await complete(engine, "a")
    assert await Lease(engine.database, "relay", clock).acquire()
    with pytest.raises(LmsError, match="expected no other relay at work"):
        await relay_to(engine.database, clock, sink).once()
    clock.now += lease.LASTS
    assert await relay_to(engine.database, clock, sink).once() == (1, 0)
    assert await relay_to(engine.database, clock, sink).once() == (0, 0), "who ends gives the lease up"


async def test_a_relay_that_lost_its_lease_stops(
    database_url: str, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a relay at work, when another process takes its lease, then it sends no more until that one is gone."""
    monkeypatch.setattr(lease, "RENEW_SEC", 0.01)
    sink = ScriptedSink()

    async with running(database_url, clock) as engine, in_background(relay_to(engine.database, clock, sink).run):
        await complete(engine, "a")
        await until(lambda: len(sink.arrived) == 1)
        await change(engine.database, "UPDATE lms_lease SET holder = 'another'")
        await asyncio.sleep(0.5)
        await complete(engine, "b")
        await asyncio.sleep(1)
        assert len(sink.arrived) == 1
        clock.now += lease.LASTS
        await until(lambda: len(sink.arrived) == 2)


async def test_two_that_fan_out_at_once_do_it_once(database_url: str, clock: HandClock) -> None:
    """Given two relays of which one was thought dead, when both fan out, then each announcement is delivered once."""
    sink = ScriptedSink()

    async with running(database_url, clock) as engine, opened(database_url) as other:
        for number in range(20):
            await complete(engine, "a", "b", user_id=f"learner-{number}")
        relays = [relay_to(engine.database, clock, sink), relay_to(other, clock, sink)]
        await asyncio.gather(*(relay._fanning_out.next() for relay in relays))
        assert len(await all_deliveries(engine)) == 40


async def test_a_replay_sends_nothing_again_unless_it_is_told_to(engine: Engine, clock: HandClock) -> None:
    """Given signals that were relayed, when they are derived anew, then nothing more arrives."""
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

    assert len(sink.arrived) == 3


async def test_whatever_fails_each_learners_arrive_in_order(engine: Engine, clock: HandClock) -> None:
    """Given a sink that fails at random, when time passes, then all arrives, and each learner's in the order of seq."""
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
    announced = [Arrived(item.user_id, item.type, item.message_id) for item in await all_deliveries(engine)]

    arrived = [(one.user_id, one.type, one.message_id) for one in sink.arrived]
    assert sorted(arrived) == sorted(announced)
    for user_id in learners:
        assert [one for one in arrived if one[0] == user_id] == [one for one in announced if one[0] == user_id]
    assert len(sink.refused) > 0


def test_pauses_grow_and_are_never_the_same() -> None:
    """Given many failures, when the next attempt is set, then after 5 s, 15 s, 45 s … 6 h, give or take a fifth."""
    drawn = [retry_delay(attempts) for attempts in range(1, 40)]
    expected = [min(5.0 * 3**n, LONGEST_PAUSE.total_seconds()) for n in range(39)]
    for one, middle in zip(drawn, expected, strict=True):
        assert (1 - JITTER) * middle <= one.total_seconds() <= (1 + JITTER) * middle
    assert len({retry_delay(1) for _ in range(10)}) > 1
