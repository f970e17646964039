"""The promises, through the real engine: whatever the order, the batches, the repeats and the delays, the same rows.

And those rows are what the definition says, times and XP included, with courses published in between.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from engine.courses.publish import publish
from engine.engine import Engine
from eventstore.envelope import validate
from eventstore.event import Event
from tests.engine.expected import expected
from tests.engine.support import HandClock, running
from tests.engine.worlds import (
    Batch,
    Delivery,
    World,
    as_it_happened,
    delivered_worlds,
    delivered_worlds_with_slots,
    end,
    published_at,
    worlds,
)
from tests.support.derived import derived

pytestmark = pytest.mark.slow

law = settings(
    max_examples=60,
    # One fixture serves all examples: it only makes databases, and each example asks for its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

Rows = dict[str, list[tuple[Any, ...]]]
NewDatabase = Callable[[], str]


@law
@given(worlds())
async def test_what_is_derived_is_what_the_definition_says(new_sqlite: NewDatabase, world: World) -> None:
    assert await live(new_sqlite(), world, as_it_happened(world)) == expected(world)


@law
@given(delivered_worlds())
async def test_order_batches_repeats_and_delays_do_not_matter(
    new_sqlite: NewDatabase, delivered: tuple[World, Delivery]
) -> None:
    world, delivery = delivered

    assert await live(new_sqlite(), world, delivery) == expected(world)


@law
@given(delivered_worlds())
async def test_submissions_at_the_same_time_do_not_matter(
    new_sqlite: NewDatabase, delivered: tuple[World, Delivery]
) -> None:
    world, delivery = delivered

    assert await live(new_sqlite(), world, delivery, at_once=True) == expected(world)


@law
@given(delivered_worlds_with_slots())
async def test_a_second_server_and_late_grants_do_not_matter(
    new_sqlite: NewDatabase, delivered: tuple[World, Delivery, set[int]]
) -> None:
    world, delivery, put_off = delivered

    assert await live_with_two_servers(new_sqlite(), world, delivery, put_off) == expected(world)


async def live(url: str, world: World, delivery: Delivery, *, at_once: bool = False) -> Rows:
    """Lets it all happen on one server, batches `at_once` or one after the other; the derived tables after it."""
    clock = HandClock()
    async with running(url, clock) as engine:
        accepted = 0
        for slot, batches in enumerate(delivery):
            clock.now = end(slot)
            accepted += await deliver(engine, batches, clock, at_once=at_once)
            await publish_after(slot, world, engine, clock)
        assert accepted == len(world.facts)
        return await derived(engine.database)


async def deliver(engine: Engine, batches: Sequence[Batch], clock: HandClock, *, at_once: bool) -> int:
    """Submits them; how many events were new."""
    submissions = [engine.ingest.submit(events(batch, clock)) for batch in batches]
    receipts = await asyncio.gather(*submissions) if at_once else [await waiting for waiting in submissions]
    return sum(receipt.accepted for receipt in receipts)


async def publish_after(slot: int, world: World, engine: Engine, clock: HandClock) -> None:
    """Publishes what is published after that slot; after the last, nothing is."""
    for course_id, steps in world.publications[slot : slot + 1]:
        clock.now = published_at(slot)
        version = await engine.publish(course_id, "", steps)
        assert version is None or version.published_at == clock.now


async def live_with_two_servers(url: str, world: World, delivery: Delivery, put_off: set[int]) -> Rows:
    """Batches and publications go to either server in turn; what some versions grant is put off to the end."""
    clock = HandClock()
    async with running(url, clock) as one, running(url, clock) as other:
        for slot, batches in enumerate(delivery):
            clock.now = end(slot)
            for engine, batch in zip([one, other] * len(batches), batches, strict=False):
                await engine.ingest.submit(events(batch, clock))
            if slot not in put_off:
                await publish_after(slot, world, [one, other][slot % 2], clock)
                continue
            for course_id, steps in world.publications[slot : slot + 1]:
                clock.now = published_at(slot)
                await publish(one.database, course_id, "", steps, clock)
        await other.run_pending_work()
        return await derived(one.database)


def events(batch: Batch, clock: HandClock) -> list[Event]:
    """The facts as they come through the gate now."""
    return [validate({**fact.envelope, "occurred_at": fact.occurred_at.isoformat()}, clock(), "test") for fact in batch]
