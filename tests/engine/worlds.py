"""Worlds to draw for the engine's laws: what learners did, what was published when, and how news of it came.

Time goes in slots, one before each publication and one after the last. An event can be delivered in any slot
that ends no earlier than it occurred; it is then recorded at the end of the slot.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from signals.course import Step
from tests.engine.support import INSTANT, at
from tests.eventstore.payloads import PAYLOADS
from tests.signals.histories import steps_of_a_version

law = settings(
    max_examples=60,
    # One fixture serves all examples: it only makes databases, and each example asks for its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""The settings of a law that draws worlds."""

SLOT_DAYS = 1
VERSIONS = {"VIDEO_PING": ("1.0", "1.1", "1.7"), "QUIZ_SUBMIT": ("1.0", "1.3")}
COURSES = ("x", "y", "z")


class Fact(NamedTuple):
    """What a learner did: the envelope that says so, without the time; and the time."""

    envelope: dict[str, Any]
    occurred_at: datetime


class Publication(NamedTuple):
    """A course published; when follows from its place among the publications."""

    course_id: str
    steps: tuple[Step, ...]


class World(NamedTuple):
    """All that is true, whoever heard of it when."""

    publications: tuple[Publication, ...]
    facts: tuple[Fact, ...]

    @property
    def slots(self) -> range:
        return range(len(self.publications) + 1)

    def slot_of(self, fact: Fact) -> int:
        """The first slot in which the fact can be delivered."""
        return next(slot for slot in self.slots if fact.occurred_at <= end(slot))


Batch = tuple[Fact, ...]
Delivery = tuple[tuple[Batch, ...], ...]
"""For each slot the batches that are submitted in it, one after the other."""


def end(slot: int) -> datetime:
    """The last instant of a slot."""
    return at((slot + 1) * SLOT_DAYS, -1)


def published_at(slot: int) -> datetime:
    """When that slot's publication, which follows it, is published."""
    return end(slot) + INSTANT


@st.composite
def publications(draw: st.DrawFn) -> tuple[Publication, ...]:
    """Versions of several courses, among them some that change nothing."""
    return tuple(
        draw(st.lists(st.builds(Publication, st.sampled_from(COURSES), steps_of_a_version), min_size=1, max_size=4))
    )


@st.composite
def facts(draw: st.DrawFn, last_slot: int) -> Fact:
    """An event of either type and any version, at, just before, just after or far from a publication."""
    kind = draw(st.sampled_from(sorted(PAYLOADS)))
    days = draw(st.integers(0, last_slot * 4)) / 4 * SLOT_DAYS
    envelope = {
        "type": kind,
        "version": draw(st.sampled_from(VERSIONS[kind])),
        "event_id": str(draw(st.uuids(version=4))),
        "user_id": draw(st.sampled_from(["ada", "ada", "ada", "bob"])),
        "class_id": draw(st.sampled_from("aabbc")),
        "course_id": draw(st.sampled_from([None, "w", *COURSES])),
        "payload": draw(PAYLOADS[kind]),
    }
    return Fact(envelope, at(days, draw(st.integers(-1, 1)) if days else 0))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    published = draw(publications())
    some = draw(st.lists(facts(len(published)), min_size=6, max_size=14))
    return World(published, tuple(some))


@st.composite
def deliveries(draw: st.DrawFn, world: World) -> Delivery:
    """Each fact at least once, in slots from its own on, in any order and in any batches."""
    slots: list[list[Fact]] = [[] for _ in world.slots]
    for fact in world.facts:
        possible = st.integers(world.slot_of(fact), world.slots[-1])
        for slot in draw(st.lists(possible, min_size=1, max_size=2)):
            slots[slot].append(fact)
    return tuple(tuple(batches(draw, draw(st.permutations(slot)))) for slot in slots)


@st.composite
def delivered_worlds(draw: st.DrawFn) -> tuple[World, Delivery]:
    """A world and a delivery of its facts."""
    world = draw(worlds())
    return world, draw(deliveries(world))


@st.composite
def delivered_worlds_with_slots(draw: st.DrawFn, min_size: int = 0) -> tuple[World, Delivery, set[int]]:
    """A world, a delivery of its facts, and at least `min_size` of the world's slots."""
    world, delivery = draw(delivered_worlds())
    return world, delivery, draw(st.sets(st.sampled_from(world.slots), min_size=min_size))


def batches(draw: st.DrawFn, order: list[Fact]) -> Iterator[Batch]:
    """The same facts in the same order, cut into batches."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=2)))
    for begin, until in zip([0, *cuts], [*cuts, len(order)], strict=True):
        yield tuple(order[begin:until])


def as_it_happened(world: World) -> Delivery:
    """Each fact alone, once, in its own slot, in the order of time."""
    ordered = sorted(world.facts, key=lambda fact: fact.occurred_at)
    return tuple(tuple((fact,) for fact in ordered if world.slot_of(fact) == slot) for slot in world.slots)
