"""A rule that raises on some events until it is repaired, and engines that have parked such events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from engine.engine import Engine
from eventstore.event import Event
from projections.progress import Progress
from projections.rules import RULES
from projections.rules.video_progress import video_progress
from tests.engine.support import HandClock, at, ping, running, step
from tests.support.rules import use_rules
from views import retry_list
from views.retry_list import RetryItem

NOW = at(1)
"""When the poison of these tests happens."""

POISON = 66.0
"""The position on which the broken rule raises."""


class BreakableRule:
    """A rule that raises on poison until it is repaired."""

    def __init__(self) -> None:
        self.broken = True

    def __call__(self, payload: Any, occurred_at: datetime) -> Progress:
        if self.broken and payload.position == POISON:
            raise ArithmeticError("cannot take 66")
        return video_progress(payload, occurred_at)


def break_rule(monkeypatch: Any) -> BreakableRule:
    """Put a broken rule in the place of video_progress."""
    rule = BreakableRule()
    rules = [each._replace(apply=rule) if each.name == "video_progress" else each for each in RULES]
    use_rules(monkeypatch, rules)
    return rule


@asynccontextmanager
async def poisoned(url: str, clock: HandClock, *events: Event) -> AsyncIterator[Engine]:
    """An engine that took in those events, one a moment poison."""
    async with running(url, clock) as engine:
        await engine.publish("course", "Course", (step("a"),))
        receipt = await engine.ingest.submit(events)
        assert receipt.accepted == len(events)
        yield engine


def poison(user_id: str = "ada") -> Event:
    """An event on which a broken rule raises."""
    return ping(NOW, POISON, 70, user_id=user_id)


async def parked(engine: Engine) -> list[RetryItem]:
    """All events that are parked, as operators see them."""
    async with engine.database.read() as connection:
        return (await retry_list.read(connection, 100)).items
