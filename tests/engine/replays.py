"""Rows to replay, and the report of a replay."""

from typing import Any

from engine.engine import Engine
from engine.replay.run import replay
from engine.replay.store import ReplayRequest
from tests.engine.support import at, ping, quiz, step
from tests.support.derived import Rows, derived

UNCHANGED = {"parked": 0, "signals_gained": 0, "signals_lost": 0, "rows_differing": 0}


async def replayed(engine: Engine, **request: Any) -> dict[str, int]:
    """What a replay of the engine's database reports to be parked, and to have changed."""
    report = await replay(engine.database, engine.context, engine.clock, ReplayRequest(**request))
    assert (report.oldest_parked_at is None) == (report.parked == 0)
    return {name: number for name, number in report._asdict().items() if name in UNCHANGED}


async def filled(engine: Engine) -> Rows:
    """A course of two steps, and three learners who are at different points of it. What is derived of that."""
    await engine.publish("course", "Course", (step("a"), step("b", "both")))
    await engine.ingest.submit([ping(at(1), user_id=user, class_id="a") for user in ("ada", "bob", "cleo")])
    await engine.ingest.submit(
        [ping(at(1.5), 50, user_id="ada", class_id="b"), quiz(at(2), user_id="ada", class_id="b")]
    )
    await engine.ingest.submit([ping(at(2), user_id="ada", class_id="b"), ping(at(1), 92, user_id="bob", class_id="b")])
    return await derived(engine.database)
