"""Turns: one writer at a time, in the order of asking, where the database takes no more.

Within a process, that is. Those of several wait for each other by the database's own lock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore.db import WriterMarker


class WriterLock:
    """Who may write. Transactions that one thread does in order anyway share a turn, until somebody else asks."""

    def __init__(self, presence: WriterMarker | None) -> None:
        self._presence = presence
        self._lock = asyncio.Lock()
        self._others = 0
        self._sharing = 0

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """A turn of one's own."""
        self._show()
        self._others += 1
        try:
            await self._lock.acquire()
        finally:
            self._others -= 1
        try:
            yield
        finally:
            self._lock.release()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """A turn with those who share one now; a new one if there are none, or others wait."""
        self._show()
        if not self._sharing or self._others:
            await self._lock.acquire()
        self._sharing += 1
        try:
            yield
        finally:
            self._sharing -= 1
            if not self._sharing:
                self._lock.release()

    def is_free(self) -> bool:
        """Whether nobody writes or waits for it here, and no other process is known to write."""
        return self._presence is not None and not self._lock.locked() and self._presence.is_alone()

    def close(self) -> None:
        if self._presence is not None:
            self._presence.close()

    def _show(self) -> None:
        if self._presence is not None:
            self._presence.show()
