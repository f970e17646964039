"""Waiting for another system that cannot be had: longer each time, and not a moment longer than we run."""

import asyncio
from contextlib import suppress

SHORTEST_SEC = 0.1
LONGEST_SEC = 10.0


class Backoff:
    """Pauses from SHORTEST_SEC to LONGEST_SEC, each twice as long as the one before. `stopping` ends one at once."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._next_sec = SHORTEST_SEC

    async def pause(self) -> None:
        await wait(self._stopping, self._next_sec)
        self._next_sec = min(2 * self._next_sec, LONGEST_SEC)

    def reset(self) -> None:
        """It can be had again: the next pause is a short one."""
        self._next_sec = SHORTEST_SEC


async def wait(event: asyncio.Event, most_sec: float) -> None:
    """Waits for the event, or until so much time is over."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), most_sec)
