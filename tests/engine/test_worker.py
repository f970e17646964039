"""The background worker: it looks for what is left to do again and again, whatever goes wrong meanwhile."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from engine import maintenance
from engine.courses.backfill import run_pending_backfills
from engine.courses.publish import publish
from engine.limits import Limits
from engine.maintenance import maintenance as maintenance_task
from engine.parking.retry import RetryResult
from eventstore.errors import UnavailableError
from tests.conftest import opened
from tests.engine.rows import value
from tests.engine.support import HandClock, at, ping, running, step

PATIENCE_SEC = 30


async def test_it_goes_on_after_trouble_and_ends_with_its_block(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Exception | RetryResult] = [
        UnavailableError("no database"),
        UnavailableError("no database"),
        ArithmeticError("a fault of ours"),
        RetryResult(2, 1),
        RetryResult(0, 0),
    ]
    looked: list[Exception | RetryResult] = []

    with caplog.at_level(logging.WARNING, logger="engine.maintenance"):
        all_seen = asyncio.Event()

        async def retry_due(*_: object) -> RetryResult:
            if len(looked) == len(outcomes):
                all_seen.set()
                return RetryResult(0, 0)
            outcome = outcomes[len(looked)]
            looked.append(outcome)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(maintenance, "retry_due", retry_due)
        limits = Limits(maintenance_interval_sec=0)
        async with running(new_sqlite(), HandClock(), limits) as engine, maintenance_task(engine):
            await all_seen.wait()
    assert looked == outcomes
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "maintenance: the database is unreachable: no database",
        "maintenance failed; it is tried again",
        "retried parked events: 2 succeeded, 1 failed again",
        "maintenance: the database is reachable again",
    ]


async def test_it_takes_up_what_another_process_published_and_did_not_finish(database_url: str) -> None:
    limits = Limits(maintenance_interval_sec=0.01)
    tried = asyncio.Event()

    async def try_waiting_messages() -> None:
        tried.set()

    clock = HandClock(at(1))
    async with running(database_url, clock, limits) as engine:
        # given a server that is up to date
        engine.after_publish.append(try_waiting_messages)
        await engine.ingest.submit([ping(at(0))])
        await engine.schedule_pending_work()
        tried.clear()
        async with maintenance_task(engine), opened(database_url) as database:
            # when another process publishes a version, and is killed before it is granted
            await publish(database, "x", "X", (step("a"),), clock)
            await asyncio.wait_for(tried.wait(), PATIENCE_SEC)
            await engine.schedule_pending_work()
            tried.clear()
            # then the server does both
            assert await value(engine.database, "SELECT count(*) FROM lms_signal") == 3

            # and when it is killed after that, and has not tried the messages that waited for a course
            await publish(database, "x", "Y", (step("a"),), clock)
            await run_pending_backfills(database, engine.context, clock)
            # then the server tries them
            await asyncio.wait_for(tried.wait(), PATIENCE_SEC)
