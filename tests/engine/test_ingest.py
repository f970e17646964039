"""Group commit: whatever waits is written together, and everyone still gets their own receipt."""

import asyncio

import pytest

from engine.engine import Engine
from eventstore.db.database import Database
from eventstore.errors import UnavailableError
from signals.signal import Signal, SignalType
from tests.conftest import opened
from tests.engine.rows import value
from tests.engine.support import HandClock, at, ping, quiz, running, step

COUNT = "SELECT count(*) FROM lms_event"


async def test_each_submission_gets_the_receipt_of_its_own_events(engine: Engine) -> None:
    seen = ping(at(0), position=10)
    await engine.ingest.submit([seen])

    receipts = await asyncio.gather(
        engine.ingest.submit([ping(at(0), user_id="bob"), seen]),
        engine.ingest.submit([seen]),
        engine.ingest.submit([quiz(at(0), user_id="cleo"), quiz(at(0), user_id="cleo", class_id="b")]),
        engine.ingest.submit([]),
    )

    assert [(r.accepted, r.duplicates) for r in receipts] == [(1, 1), (0, 1), (2, 0), (0, 0)]
    assert [sorted((s.user_id, s.type, s.class_id) for s in r.signals) for r in receipts] == [
        [("bob", "VIDEO_COMPLETED", "a")],
        [],
        [("cleo", "QUIZ_PASSED", "a"), ("cleo", "QUIZ_PASSED", "b")],
        [],
    ]


async def test_the_same_event_submitted_by_many_at_once_counts_once(engine: Engine) -> None:
    event = ping(at(0))

    receipts = await asyncio.gather(*(engine.ingest.submit([event, event]) for _ in range(20)))

    assert sum(receipt.accepted for receipt in receipts) == 1
    assert sum(receipt.duplicates for receipt in receipts) == 39
    assert sum(len(receipt.signals) for receipt in receipts) == 1
    assert await value(engine.database, COUNT) == 1
    assert await value(engine.database, "SELECT xp FROM v_leaderboard") == 10


async def test_two_servers_that_are_sent_the_same_at_once_count_it_once(database_url: str) -> None:
    async with running(database_url, HandClock()) as one, running(database_url, HandClock()) as other:
        events = [ping(at(0), user_id=f"user {number}") for number in range(50)]

        receipts = await asyncio.gather(
            *(engine.ingest.submit(events[n::5]) for engine in (one, other) for n in range(5)),
            other.ingest.submit(events[::-1]),
        )

        assert sum(receipt.accepted for receipt in receipts) == 50
        assert sum(receipt.duplicates for receipt in receipts) == 100
        assert await value(one.database, "SELECT sum(events) FROM v_event_daily_stats") == 50
        assert await value(one.database, "SELECT sum(xp) FROM v_leaderboard") == 500


async def test_a_signal_is_told_once_and_not_when_it_is_there_already(engine: Engine) -> None:
    first = await engine.ingest.submit([ping(at(1))])
    earlier = await engine.ingest.submit([ping(at(0))])

    assert first.signals == [Signal(SignalType.VIDEO_COMPLETED, "ada", "a", None, at(1))]
    assert earlier.signals == []
    assert await value(engine.database, "SELECT count(*) FROM lms_outbox") == 1


async def test_one_batch_can_complete_classes_of_several_courses_for_several_learners(database_url: str) -> None:
    async with running(database_url, HandClock(at(9))) as engine:
        for course_id, steps in [("x", (step("a"),)), ("y", (step("b"), step("c"))), ("z", (step("a"), step("d")))]:
            await engine.publish(course_id, "", steps)

        batch = [ping(at(day), user_id=user, class_id=c) for user in ("ada", "bob") for day, c in enumerate("abc")]
        receipt = await engine.ingest.submit(batch)

        found = {(s.type, s.class_id, s.course_id) for s in receipt.signals if s.course_id and s.user_id == "ada"}
        assert found == {
            ("STEP_COMPLETED", "a", "x"),
            ("COURSE_COMPLETED", None, "x"),
            ("STEP_COMPLETED", "b", "y"),
            ("STEP_COMPLETED", "c", "y"),
            ("COURSE_COMPLETED", None, "y"),
            ("STEP_COMPLETED", "a", "z"),
        }
        assert len(receipt.signals) == 2 * (3 + len(found))


async def test_a_full_queue_refuses_more_and_takes_it_when_there_is_room(database_url: str) -> None:
    async with opened(database_url) as database, Engine(database, queue_events=3) as engine:
        waiting = asyncio.gather(*(engine.ingest.submit([ping(at(0))]) for _ in range(3)))
        await asyncio.sleep(0)

        with pytest.raises(UnavailableError, match="the queue is full: at most 3 events may wait"):
            await engine.ingest.submit([ping(at(0))])

        await waiting
        assert (await engine.ingest.submit([ping(at(0))])).accepted == 1
        assert await value(database, COUNT) == 4


async def test_one_submission_may_be_larger_than_the_queue(database_url: str) -> None:
    async with opened(database_url) as database, Engine(database, queue_events=3) as engine:
        assert (await engine.ingest.submit([ping(at(0)) for _ in range(10)])).accepted == 10


async def test_stopping_writes_what_waits_and_takes_no_more(database: Database) -> None:
    async with Engine(database) as engine:
        waiting = asyncio.create_task(engine.ingest.submit([ping(at(0))]))
        await asyncio.sleep(0)

    assert (await waiting).accepted == 1
    with pytest.raises(UnavailableError, match="shutting down"):
        await engine.ingest.submit([ping(at(0))])
    assert await value(database, COUNT) == 1


async def test_a_caller_who_leaves_takes_nobody_down(engine: Engine) -> None:
    leaving = asyncio.create_task(engine.ingest.submit([ping(at(0))]))
    staying = asyncio.create_task(engine.ingest.submit([ping(at(0), user_id="bob")]))
    await asyncio.sleep(0)
    leaving.cancel()

    assert (await staying).accepted == 1
    assert await value(engine.database, COUNT) == 2
