"""Waiting for another system that cannot be had: longer each time, and not a moment longer than we run."""

import asyncio
from contextlib import suppress

from integrations.runtime.limits import DEFAULT_LIMITS, Limits


class Backoff:
    """Pauses from the shortest to the longest one, each twice as long as the one before. `stopping` ends a pause."""

    def __init__(self, stopping: asyncio.Event, limits: Limits = DEFAULT_LIMITS) -> None:
        self._stopping = stopping
        self._limits = limits
        self._next_sec = limits.shortest_pause_sec

    async def pause(self) -> None:
        await wait(self._stopping, self._next_sec)
        self._next_sec = min(2 * self._next_sec, self._limits.longest_pause_sec)

    def reset(self) -> None:
        """It can be had again: the next pause is a short one."""
        self._next_sec = self._limits.shortest_pause_sec


async def wait(event: asyncio.Event, most_sec: float) -> None:
    """Waits for the event, or until so much time is over."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), most_sec)
