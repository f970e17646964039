"""Parking and retrying: what a rule raises on is kept, tried again after pauses, and in the end counts as if it
had never failed."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from engine.engine import Engine
from engine.limits import Limits
from engine.parking.retry import RetryResult, retry_all, retry_due, retry_one
from engine.parking.store import ATTEMPTS
from eventstore.errors import NotFoundError
from projections.progress import Progress
from projections.rule import Rule
from projections.rules.video_progress import video_progress
from projections.tables import RetryStatus
from tests.engine.broken_rule import NOW, POISON, BreakableRule, parked, poison, poisoned
from tests.engine.support import HandClock, ping, running
from tests.support.derived import derived

BROKEN_DURATION = 71.0


def due(engine: Engine) -> "asyncio.Future[RetryResult]":
    return asyncio.ensure_future(retry_due(engine.database, engine.context, engine.clock))


async def test_what_a_rule_raises_on_is_parked_with_its_traceback_and_the_rest_goes_on(
    database_url: str, rule: BreakableRule
) -> None:
    async with poisoned(database_url, HandClock(NOW), poison(), ping(NOW, user_id="bob")) as engine:
        (item,) = await parked(engine)
        assert (item.user_id, item.rule, item.status, item.attempts) == ("ada", "video_progress", "pending", 0)
        assert "cannot take 66" in item.last_error
        assert "Traceback" in item.last_error
        tables = await derived(engine.database)
        assert {row[0] for row in tables["lms_signal"] if "bob" in row} != set()

    assert rule.broken


async def test_a_mended_rule_gives_what_it_would_have_given_at_once(
    new_database: Callable[[], str], rule: BreakableRule
) -> None:
    event = poison()

    async def retried() -> dict[str, list[tuple[object, ...]]]:
        clock = HandClock(NOW)
        async with poisoned(new_database(), clock, event) as engine:
            rule.broken = False
            assert await due(engine) == RetryResult(0, 0), "it is not due yet"
            clock.now += timedelta(seconds=10)
            assert await due(engine) == RetryResult(1, 0)
            assert await parked(engine) == []
            return await derived(engine.database)

    async def at_once() -> dict[str, list[tuple[object, ...]]]:
        async with poisoned(new_database(), HandClock(NOW), event) as engine:
            return await derived(engine.database)

    assert await retried() == await at_once()


async def test_pauses_grow_and_after_three_attempts_it_is_dead_until_someone_acts(
    database_url: str, rule: BreakableRule
) -> None:
    clock = HandClock(NOW)
    async with poisoned(database_url, clock, poison()) as engine:
        pauses = []
        for _ in range(ATTEMPTS):
            (item,) = await parked(engine)
            pauses.append((item.next_attempt_at - clock.now).total_seconds())
            clock.now = item.next_attempt_at
            assert await due(engine) == RetryResult(0, 1)
        assert pauses == [10, 60, 360]
        (item,) = await parked(engine)
        assert item.status == RetryStatus.DEAD
        clock.now += timedelta(days=365)
        assert await due(engine) == RetryResult(0, 0)
        rule.broken = False
        assert await retry_all(engine.database, engine.context, clock, dead=False) == RetryResult(0, 0)
        assert await retry_all(engine.database, engine.context, clock, dead=True) == RetryResult(1, 0)
        assert await parked(engine) == []


async def test_a_rule_that_raises_as_a_lost_connection_does_fails_alone(database_url: str, rule: BreakableRule) -> None:
    def rule_of_one(payload: object, occurred_at: datetime) -> Progress:
        if getattr(payload, "duration", None) == BROKEN_DURATION:
            raise TimeoutError("the rule's own")
        return video_progress(payload, occurred_at)  # type: ignore[arg-type]

    clock = HandClock(NOW)
    broken = ping(NOW, POISON, BROKEN_DURATION, user_id="bob")
    async with poisoned(database_url, clock, poison(), broken) as engine:
        clock.now += timedelta(seconds=10)
        engine.context = engine.context._replace(rules=(Rule("video_progress", "VIDEO_PING", rule_of_one),))
        assert await due(engine) == RetryResult(1, 1)
        (item,) = await parked(engine)
        assert "the rule's own" in item.last_error

    assert rule.broken


async def test_one_is_retried_at_once_by_its_id(database_url: str, rule: BreakableRule) -> None:
    async with poisoned(database_url, HandClock(NOW), poison(), poison("bob")) as engine:
        first, second = await parked(engine)
        assert not await retry_one(engine.database, first.retry_id, engine.context, engine.clock)
        rule.broken = False
        assert await retry_one(engine.database, second.retry_id, engine.context, engine.clock)
        assert [item.retry_id for item in await parked(engine)] == [first.retry_id]
        with pytest.raises(NotFoundError, match="there is no parked event with the id"):
            await retry_one(engine.database, str(uuid4()), engine.context, engine.clock)


async def test_several_processes_never_retry_the_same(database_url: str, rule: BreakableRule) -> None:
    learners = [f"learner-{number}" for number in range(30)]

    clock = HandClock(NOW)
    async with (
        poisoned(database_url, clock, *map(poison, learners)) as engine,
        running(database_url, clock) as other,
    ):
        rule.broken = False
        clock.now += timedelta(seconds=10)
        both = await asyncio.gather(due(engine), due(other))
        assert both[0].plus(both[1]) == RetryResult(len(learners), 0)
        assert await parked(engine) == []


async def test_retries_of_one_page_do_not_hold_each_other_up(database_url: str, rule: BreakableRule) -> None:
    learners = [f"learner-{number}" for number in range(5)]

    clock = HandClock(NOW)
    async with poisoned(database_url, clock, *map(poison, learners)) as engine:
        context = engine.context._replace(limits=Limits(retries_per_transaction=2))
        assert await retry_all(engine.database, context, clock, dead=True) == RetryResult(0, 5)
        rule.broken = False
        clock.now += timedelta(seconds=60)
        assert await retry_due(engine.database, context, clock) == RetryResult(5, 0)


async def test_a_dead_event_can_be_retried_as_often_as_anyone_likes(database_url: str, rule: BreakableRule) -> None:
    async with poisoned(database_url, HandClock(NOW), poison()) as engine:
        for _ in range(20):
            assert await retry_all(engine.database, engine.context, engine.clock, dead=True) == RetryResult(0, 1)

    assert rule.broken
