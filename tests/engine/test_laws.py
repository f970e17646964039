"""The promises, through the real engine: whatever the order, the batches, the repeats and the delays, the same rows.

And those rows are what the definition says, times and XP included, with courses published in between.
"""

from collections.abc import Callable

import pytest
from hypothesis import given

from tests.engine.delivery import live, live_with_two_servers
from tests.engine.expected import expected
from tests.engine.worlds import (
    Delivery,
    World,
    as_it_happened,
    delivered_worlds,
    delivered_worlds_with_slots,
    law,
    worlds,
)

pytestmark = pytest.mark.slow


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
