"""The promises, through the real engine: whatever the order, the batches, the repeats and the delays, the same rows.

And those rows are what the definition says, times and XP included, with courses published in between.
"""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import publish
from engine.engine import Engine
from eventstore.envelope import validate
from eventstore.event import Event
from tests.engine.expected import expected
from tests.engine.support import HandClock, running
from tests.engine.worlds import Batch, Delivery, Fact, World, as_it_happened, deliveries, end, published_at, worlds
from tests.support.derived import derived

law = settings(
    deadline=None,
    max_examples=40,
    # One fixture serves all examples: it only makes databases, and each example asks for its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Rows = dict[str, list[tuple[Any, ...]]]


@law
@given(data=st.data())
def test_derived_tables_are_what_the_definition_says(new_sqlite: Callable[[], str], data: st.DataObject) -> None:
    world = data.draw(worlds())

    delivered = asyncio.run(live(new_sqlite(), world, as_it_happened(world)))

    assert delivered == expected(world)


@law
@given(data=st.data())
def test_order_batches_repeats_and_delays_do_not_matter(
    new_sqlite: Callable[[], str], data: st.DataObject
) -> None:
    world = data.draw(worlds())
    delivery = data.draw(deliveries(world))

    assert asyncio.run(live(new_sqlite(), world, delivery)) == expected(world)


@law
@given(data=st.data())
def test_who_hears_of_publications_and_when_grants_are_cut_off_do_not_matter(
    new_sqlite: Callable[[], str], data: st.DataObject
) -> None:
    world = data.draw(worlds())
    delivery = data.draw(deliveries(world))

    assert asyncio.run(live_in_pieces(new_sqlite(), world, delivery)) == expected(world)
