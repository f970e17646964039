"""Steps that are not broken off half-way: a task that is cancelled ends its step first, and its connection with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def unbroken(step: Coroutine[Any, Any, Result]) -> Result:
    """Does `step` to its end, even if the task is cancelled meanwhile; then the task is."""
    task = asyncio.create_task(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
