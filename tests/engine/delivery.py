"""Worlds that happen in a running engine: what is delivered is submitted, and what is published is published."""

import asyncio
from collections.abc import Sequence

from engine.courses.publish import publish
from engine.engine import Engine
from eventstore.envelope import validate
from eventstore.event import Event
from tests.engine.support import HandClock, running
from tests.engine.worlds import (
    Batch,
    Delivery,
    World,
    end,
    published_at,
)
from tests.support.derived import Rows, derived


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
