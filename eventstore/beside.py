"""Side by side: pieces of work, each on a connection of its own, a few at once, for a database with several cores."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

AT_ONCE = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


async def side_by_side(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], at_once: int = AT_ONCE
) -> list[Result]:
    """What comes of the work on each item, in their order. If it fails on one, the others are broken off."""
    left = deque(enumerate(items))
    results: dict[int, Result] = {}

    async def some() -> None:
        while left:
            place, item = left.popleft()
            results[place] = await work(item)

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(some())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [results[place] for place in sorted(results)]
