"""Two batches under way: whatever the one leaves in the queue, the other takes, and stopping forgets nothing.

Where the database takes two at a time, each has a lane of its own: neither waits for a learner whom the other has.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from engine.ingest import commit
from engine.ingest.ingest import Ingest
from engine.limits import Limits
from engine.projecting.context import Context
from engine.projecting.record import Recorded
from eventstore.db.database import Database
from eventstore.event import Event
from signals.course_catalog import CourseCache
from signals.xp import DEFAULT_XP_VALUES

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Gates:
    """Passes for a database with so many writers, whose transactions begin and end when they are told to."""

    def __init__(self, writers: int) -> None:
        self.writers = writers
        self.begin = [asyncio.Event() for _ in range(3)]
        self.end = [asyncio.Event() for _ in range(3)]
        self._number = -1

    def yield_to_writer(self) -> None:
        """Nothing here takes the interpreter."""

    async def run_write(self, work: Any) -> Any:
        self._number += 1
        number = self._number
        await self.begin[number].wait()
        result = await work(None)
        await self.end[number].wait()
        return result


@pytest.mark.parametrize("stops", [False, True])
async def test_what_a_large_batch_leaves_is_taken_by_the_other_writer(
    monkeypatch: pytest.MonkeyPatch, *, stops: bool
) -> None:
    monkeypatch.setattr(commit, "record", recorded)
    limits = Limits(batch_events=2)

    # given one batch under way, and another on its way that will be too small for all that waits
    gates = Gates(1)
    ingesting = ingest_on(gates, limits)
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


@pytest.mark.parametrize(
    ("writers", "waiting", "taken"), [(1, 20, 20), (1, 40, 32), (1, 100, 50), (1, 150, 150), (2, 100, 100)]
)
async def test_half_of_those_who_wait_are_written_by_a_thread_while_the_other_half_is_answered(
    monkeypatch: pytest.MonkeyPatch, writers: int, waiting: int, taken: int
) -> None:
    monkeypatch.setattr(commit, "record", recorded)
    limits = Limits(large_submission_events=150)

    # given so many who wait, in a queue of which the first transaction is about to take its part
    gates = Gates(writers)
    ingesting = ingest_on(gates, limits)
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


async def test_many_events_are_parted_by_learner_and_what_one_lane_waits_for_does_not_hold_up_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commit, "record", recorded)
    limits = Limits(large_submission_events=100)

    # given many events of many learners, and a database that takes two transactions at a time
    gates = Gates(2)
    ingesting = ingest_on(gates, limits)
    ingesting.start()
    events = [event(f"{number} {again}", f"learner {number}") for number in range(100) for again in range(2)]
    one, other = ingesting.partition(events)
    assert sorted([*one, *other]) == sorted(events)
    assert {each.user_id for each in one}.isdisjoint(each.user_id for each in other)

    # when the parts are submitted, and one of their transactions takes long
    answers = [asyncio.create_task(ingesting.submit(part)) for part in (one, other, one, other)]
    for gate in (*gates.begin, gates.end[1], gates.end[2]):
        gate.set()
    await settled()

    # then the other lane goes on, with one transaction for all that waits in it
    assert [answer.done() for answer in answers] == [False, True, False, True]
    gates.end[0].set()
    await ingesting.stop()
    assert all(answer.done() for answer in answers)


@pytest.mark.parametrize(("writers", "number"), [(1, 100), (2, 99)])
def test_few_events_are_not_parted_nor_are_any_where_one_is_written_at_a_time(writers: int, number: int) -> None:
    limits = Limits(large_submission_events=100)
    ingesting = ingest_on(Gates(writers), limits)

    events = [event(str(n), f"learner {n}") for n in range(number)]

    assert ingesting.partition(events) == [events]


def ingest_on(gates: Gates, limits: Limits) -> Ingest:
    """One that is not started yet."""
    context = Context(CourseCache(), DEFAULT_XP_VALUES, 0, limits=limits)
    return Ingest(cast("Database", gates), context, lambda: NOW, queue_events=1_000)


async def recorded(_connection: object, events: Sequence[Event], _context: Context, _now: datetime) -> Recorded:
    return Recorded(list(events), [])


def event(event_id: str, user_id: str = "ada") -> Event:
    return Event(event_id, "VIDEO_PING", "1.0", user_id, "intro", None, "{}", NOW, NOW, "test", None)


async def settled() -> None:
    """Lets every task come to where it waits."""
    for _ in range(20):
        await asyncio.sleep(0)
