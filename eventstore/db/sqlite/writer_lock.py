"""The writer lock: one writer at a time, in the order of asking, where the database allows only one.

It works within a process. Several processes wait for each other by the database's own lock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore.db import WriterMarker


class WriterLock:
    """A fair lock for the single SQLite writer. `exclusive()` gives one transaction the writer.

    `shared()` lets transactions that run on the same writer thread queue up together, until someone asks for
    `exclusive()`.
    """

    def __init__(self, presence: WriterMarker | None) -> None:
        self._presence = presence
        self._lock = asyncio.Lock()
        self._others = 0
        self._sharing = 0

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold the lock alone."""
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
        """Hold the lock together with others that share it; wait if none do, or if somebody waits for it alone."""
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
        """Return whether nobody writes or waits for it in this process, and no other process is known to write."""
        return self._presence is not None and not self._lock.locked() and self._presence.is_alone()

    def close(self) -> None:
        if self._presence is not None:
            self._presence.close()

    def _show(self) -> None:
        if self._presence is not None:
            self._presence.show()
