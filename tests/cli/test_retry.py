"""`lms-progress retry`: parked events from a terminal."""

import asyncio

import pytest

from engine.parking.park import park
from projections.fold import RuleFailure
from projections.progress import Progress
from projections.rule import Rule
from tests.cli.support import run
from tests.engine.support import HandClock, at, ping, running
from tests.support.rules import use_rules

NOW = at(1)


def with_parked(url: str) -> str:
    """Return `url`, in whose database an event is parked."""
    asyncio.run(park_one(url))
    return url


async def park_one(url: str) -> None:
    """Park an event, as if a rule had raised on it."""
    event = ping(NOW)
    async with running(url, HandClock(NOW)) as engine:
        await engine.ingest.submit([event])
        async with engine.database.write() as connection:
            await park(connection, [RuleFailure(event, "video_progress", ArithmeticError("cannot take it"))], NOW)


def test_what_is_parked_is_shown_with_the_reason(database_url: str) -> None:
    shown = run(with_parked(database_url), "retry", "--list")
    assert (shown.code, shown.err) == (0, "")
    assert "video_progress" in shown.out
    assert "pending" in shown.out
    assert "ArithmeticError: cannot take it" in shown.out


def test_dead_ones_are_shown_apart(database_url: str) -> None:
    shown = run(with_parked(database_url), "retry", "--list", "--dead")
    assert "ArithmeticError" not in shown.out


def test_a_retry_that_succeeds_leaves_nothing_parked(database_url: str) -> None:
    retried = run(with_parked(database_url), "retry")
    assert (retried.code, retried.out.split()) == (0, ["succeeded", "1", "failed", "0"])
    assert "ArithmeticError" not in run(database_url, "retry", "--list").out


def test_a_retry_that_fails_ends_with_1(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> Progress:
        raise ArithmeticError("still cannot")

    url = with_parked(database_url)
    use_rules(monkeypatch, (Rule("video_progress", "VIDEO_PING", raises),))
    for _ in range(3):
        retried = run(url, "retry")
        assert (retried.code, retried.out.split()) == (1, ["succeeded", "0", "failed", "1"])
        assert "lms-progress retry --list" in retried.err
    assert run(url, "retry").code == 0, "it is dead, and stays"
    assert "still cannot" in run(url, "retry", "--list", "--dead").out
    monkeypatch.undo()
    assert run(url, "retry", "--dead").code == 0
