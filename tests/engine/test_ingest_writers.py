"""Two batches under way: whatever the one leaves in the queue, the other takes, and stopping forgets nothing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from engine import ingest
from engine.ingest import Ingest
from engine.project import Context
from engine.record import Recorded
from eventstore.database import Database
from eventstore.event import Event
from signals.course_store import CourseCache
from signals.xp import DEFAULT_WORTH

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Gates:
    """Passes for a database with so many writers, whose transactions begin and end when they are told to."""

    def __init__(self, writers: int = 2) -> None:
        self.writers = writers
        self.begin = [asyncio.Event() for _ in range(3)]
        self.end = [asyncio.Event() for _ in range(3)]
        self._number = -1

    def give_way(self) -> None:
        """Nothing here takes the interpreter."""

    async def transact(self, work: Any) -> Any:
        self._number += 1
        number = self._number
        await self.begin[number].wait()
        result = await work(None)
        await self.end[number].wait()
        return result


@pytest.mark.parametrize("stops", [False, True])
def test_what_a_large_batch_leaves_is_taken_by_the_other_writer(
    monkeypatch: pytest.MonkeyPatch, *, stops: bool
) -> None:
    monkeypatch.setattr(ingest, "record", recorded)
    monkeypatch.setattr(ingest, "MUCH_EVENTS", 2)
    monkeypatch.setattr(ingest, "BATCH_EVENTS", 2)

    async def scenario() -> None:
        # given one batch under way, and another on its way that will be too small for all that waits
        gates = Gates()
        ingesting = Ingest(cast("Database", gates), Context(CourseCache(), DEFAULT_WORTH, 0), lambda: NOW, 100)
        ingesting.start()
        answers = [asyncio.create_task(ingesting.submit([event("first")]))]
        gates.begin[0].set()
        await settled()
        answers += [asyncio.create_task(ingesting.submit([event(name)])) for name in ("second", "third", "left")]
        await settled()
        stopping = asyncio.create_task(ingesting.stop()) if stops else None

        # when the first ends before the other takes its batch
        for gate in (gates.end[0], gates.begin[1], gates.end[1], gates.begin[2], gates.end[2]):
            gate.set()
            await settled()

        # then everybody is answered
        assert [answer.done() for answer in answers] == [True] * 4
        await (stopping or ingesting.stop())

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("writers", "waiting", "taken"), [(1, 20, 20), (1, 40, 32), (1, 100, 50), (1, 150, 150), (2, 100, 100)]
)
def test_half_of_those_who_wait_are_written_by_a_thread_while_the_other_half_is_answered(
    monkeypatch: pytest.MonkeyPatch, writers: int, waiting: int, taken: int
) -> None:
    monkeypatch.setattr(ingest, "record", recorded)
    monkeypatch.setattr(ingest, "MUCH_EVENTS", 150)

    async def scenario() -> None:
        # given so many who wait, in a queue of which the first transaction is about to take its part
        gates = Gates(writers)
        ingesting = Ingest(cast("Database", gates), Context(CourseCache(), DEFAULT_WORTH, 0), lambda: NOW, 200)
        ingesting.start()
        answers = [asyncio.create_task(ingesting.submit([event(str(number))])) for number in range(waiting)]
        await settled()

        # when it is done
        gates.begin[0].set()
        gates.end[0].set()
        await settled()

        # then half of them are answered, or as many as are worth a transaction
        assert sum(answer.done() for answer in answers) == taken
        for gate in (*gates.begin, *gates.end):
            gate.set()
        await ingesting.stop()
        assert all(answer.done() for answer in answers)

    asyncio.run(scenario())


async def recorded(_connection: object, events: Sequence[Event], _context: Context, _now: datetime) -> Recorded:
    return Recorded(list(events), [])


def event(event_id: str) -> Event:
    return Event(event_id, "VIDEO_PING", "1.0", "ada", "intro", None, "{}", NOW, NOW, "test", None)


async def settled() -> None:
    """Lets every task come to where it waits."""
    for _ in range(20):
        await asyncio.sleep(0)
