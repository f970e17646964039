"""What cannot be projected is parked with its error, and takes nothing else down."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.exc import DBAPIError

from projections import rules
from projections.progress import Progress
from projections.rule import Rule
from tests.engine.rows import refuse_class, rows, value
from tests.engine.support import HandClock, at, ping, quiz, running
from tests.support.rules import use_rules

PARKED = "SELECT user_id, rule, attempts, status FROM lms_retry ORDER BY user_id"
NewDatabase = Callable[[], str]


def raises_on_poison(_: object, occurred_at: datetime) -> Progress:
    if occurred_at == at(1):
        raise ZeroDivisionError("poison")
    return Progress()


@pytest.fixture
def broken_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more rule for pings, which raises on those of day 1."""
    broken = (*rules.RULES, Rule("broken", "VIDEO_PING", raises_on_poison))
    use_rules(monkeypatch, broken)


@pytest.mark.usefixtures("broken_rule")
async def test_an_event_that_a_rule_raises_on_is_parked_and_the_rest_is_projected(database_url: str) -> None:
    async with running(database_url, HandClock(at(1))) as engine:
        poison = ping(at(1))
        receipt = await engine.ingest.submit([ping(at(0), user_id="bob"), poison, quiz(at(1), user_id="cleo")])

        # every event is kept, and all is projected but what that rule would have proved
        assert (receipt.accepted, len(receipt.signals)) == (3, 3)
        assert await value(engine.database, "SELECT sum(video_completed) FROM v_user_progress") == 2
        assert await rows(engine.database, PARKED) == [("ada", "broken", 0, "pending")]
        ((event_id, error),) = await rows(engine.database, "SELECT event_id, last_error FROM lms_retry")
        assert str(event_id) == poison.event_id
        assert "raises_on_poison" in error
        assert error.endswith("ZeroDivisionError: poison\n")

        # and the event again is a duplicate, not parked twice
        assert (await engine.ingest.submit([poison])).duplicates == 1
        assert await value(engine.database, "SELECT count(*) FROM lms_retry") == 1


@pytest.mark.parametrize("number", [1, 2, 7])
async def test_what_the_database_refuses_is_narrowed_down_to_the_event(new_database: NewDatabase, number: int) -> None:
    async with running(new_database(), HandClock(at(1))) as engine:
        await refuse_class(engine.database, "lms_progress", "poison")
        others = [ping(at(0), user_id=f"user {n}") for n in range(number - 1)]

        receipt = await engine.ingest.submit([*others, ping(at(1), class_id="poison")])

        assert (receipt.accepted, len(receipt.signals)) == (number, number - 1)
        assert await value(engine.database, "SELECT count(*) FROM lms_event") == number
        assert await value(engine.database, "SELECT sum(events) FROM v_event_daily_stats") == number
        assert await value(engine.database, "SELECT count(*) FROM v_user_progress") == number - 1
        assert await rows(engine.database, PARKED) == [("ada", "*", 0, "pending")]
        assert "refuse" in await value(engine.database, "SELECT last_error FROM lms_retry")


async def test_who_sends_what_cannot_even_be_kept_is_told_and_nobody_else_suffers(new_database: NewDatabase) -> None:
    async with running(new_database(), HandClock(at(1))) as engine:
        await refuse_class(engine.database, "lms_event", "poison")

        good, bad, also_good = await asyncio.gather(
            engine.ingest.submit([ping(at(0))]),
            engine.ingest.submit([ping(at(0), class_id="poison"), ping(at(0), user_id="bob")]),
            engine.ingest.submit([quiz(at(0))]),
            return_exceptions=True,
        )

        assert isinstance(bad, DBAPIError)
        assert not isinstance(good, BaseException)
        assert not isinstance(also_good, BaseException)
        assert (good.accepted, also_good.accepted) == (1, 1)
        assert await value(engine.database, "SELECT count(*) FROM lms_event") == 2
