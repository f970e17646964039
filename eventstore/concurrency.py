"""Helpers for asyncio: work on several items at once, and steps that a cancellation does not interrupt."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

AT_ONCE = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


async def map_concurrently(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], at_once: int = AT_ONCE
) -> list[Result]:
    """Run the work on all items, a few at once, and return the results in order. If one fails, cancel the others."""
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


async def shielded(step: Coroutine[Any, Any, Result]) -> Result:
    """Run `step` to its end even if the task is cancelled meanwhile; then raise the cancellation."""
    task = asyncio.create_task(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
