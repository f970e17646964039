"""What tests of the engine are told in: a clock set by hand, steps, and events that passed the one gate.

Times are UTC. Saturday, 28 November 2026 is the day 0 of these tests: day 2 is a Monday, day 3 a new month.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.engine import Engine
from engine.limits import DEFAULT_LIMITS, Limits
from eventstore.envelope import validate
from eventstore.event import Event
from signals.course import Step
from tests.conftest import opened

DAY_0 = datetime(2026, 11, 28, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def at(days: float, instants: int = 0) -> datetime:
    """So many days after day 0, and so many microseconds."""
    return DAY_0 + timedelta(days=days) + instants * INSTANT


class HandClock:
    """A clock that stands where it was set."""

    def __init__(self, now: datetime = DAY_0) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def event(
    kind: str,
    payload: dict[str, object],
    occurred_at: datetime,
    recorded_at: datetime | None = None,
    **more: Any,
) -> Event:
    """An event as it comes through the gate: of ada in class a, with a new id, recorded as it occurred."""
    envelope: dict[str, object] = {
        "type": kind,
        "event_id": str(uuid.uuid4()),
        "user_id": "ada",
        "class_id": "a",
        "occurred_at": occurred_at.isoformat(),
        "payload": payload,
        **more,
    }
    return validate(envelope, recorded_at or occurred_at, "test")


def ping(occurred_at: datetime, position: float = 100, duration: float = 100, **more: Any) -> Event:
    """A VIDEO_PING: at the end of the video unless told otherwise."""
    payload = {"video_id": "video", "position": position, "duration": duration}
    return event("VIDEO_PING", payload, occurred_at, **more)


def quiz(occurred_at: datetime, score: float = 10, *, passed: bool = True, **more: Any) -> Event:
    """A QUIZ_SUBMIT: of all points and passed unless told otherwise."""
    payload = {"quiz_id": "quiz", "score": score, "max_score": 10, "passed": passed}
    return event("QUIZ_SUBMIT", payload, occurred_at, **more)


def step(class_id: str, needs: str = "video") -> Step:
    """A step that needs its `video`, its `quiz` or `both`."""
    return Step(
        class_id,
        f"Class {class_id}",
        video_id="video" if needs in ("video", "both") else None,
        quiz_id="quiz" if needs in ("quiz", "both") else None,
    )


@asynccontextmanager
async def running(url: str, clock: HandClock, limits: Limits = DEFAULT_LIMITS) -> AsyncIterator[Engine]:
    """A running engine on the database at `url`, with that clock and those limits."""
    async with opened(url) as database, Engine(database, clock=clock, limits=limits) as engine:
        yield engine
