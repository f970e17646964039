"""Work side by side: all of it is done, a few at once, and a failure breaks the rest off."""

import asyncio

import pytest

from eventstore.concurrency import AT_ONCE, map_concurrently


@pytest.mark.parametrize("at_once", sorted({1, 3, AT_ONCE}))
async def test_results_come_in_the_order_of_the_items_and_only_so_many_are_at_work_at_once(at_once: int) -> None:
    at_work, most = 0, 0

    async def work(number: int) -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        for _ in range(10 - number):
            await asyncio.sleep(0)
        at_work -= 1
        return number * number

    assert await map_concurrently(work, range(10), at_once) == [number * number for number in range(10)]
    assert most == at_once


async def test_nothing_to_do_gives_nothing() -> None:
    async def work(_: int) -> int:
        raise AssertionError("there is no item")

    assert await map_concurrently(work, []) == []


async def test_a_failure_comes_out_as_it_is_and_breaks_the_others_off() -> None:
    begun: list[int] = []
    ended: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError("out of luck")
        await asyncio.sleep(60)
        ended.append(number)

    with pytest.raises(ValueError, match="out of luck"):
        await map_concurrently(work, range(10))
    assert begun == [0, 1]
    assert ended == []
