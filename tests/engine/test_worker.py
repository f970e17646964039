"""The retry worker: it looks for what is due again and again, whatever goes wrong meanwhile."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from engine import worker
from engine.retry import Retried
from engine.worker import retry_worker
from eventstore.errors import Unavailable
from tests.engine.support import HandClock, running


def test_it_goes_on_after_trouble_and_ends_with_its_block(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Exception | Retried] = [
        Unavailable("no database"),
        ArithmeticError("a fault of ours"),
        Retried(2, 1),
        Retried(0, 0),
    ]
    looked: list[Exception | Retried] = []

    async def scenario() -> None:
        all_seen = asyncio.Event()

        async def retry_due(*_: object) -> Retried:
            if len(looked) == len(outcomes):
                all_seen.set()
                return Retried(0, 0)
            outcome = outcomes[len(looked)]
            looked.append(outcome)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(worker, "retry_due", retry_due)
        monkeypatch.setattr(worker, "LOOK_EVERY_SEC", 0)
        async with running(new_sqlite(), HandClock()) as engine, retry_worker(engine):
            await all_seen.wait()

    with caplog.at_level(logging.WARNING, logger="engine.worker"):
        asyncio.run(scenario())
    assert looked == outcomes
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "retrying parked events is interrupted: no database",
        "retrying parked events failed; it is tried again",
        "retried parked events: 2 succeeded, 1 failed again",
    ]
