"""The writer marker (SQLite): every writing process holds a shared lock on a side file, until it ends.

A replay throttles itself only if it cannot get that lock exclusively, which means that another writer is alive.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from eventstore.db.replay_lock import lock_file, try_lock

READ = "SELECT count(*) FROM sqlite_schema"
"""Takes the shared lock."""


def writer_marker_of(engine: AsyncEngine) -> "WriterMarker":
    """Return the writer marker for databases opened by this engine."""
    return WriterMarker(lock_file(engine, "writers"))


class WriterMarker:
    """The marker of one writer. Call `close` at the end."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock: sqlite3.Connection | None = None

    def show(self) -> None:
        """Take the shared lock. Where that fails, such as on a full disk, the next call tries again."""
        if self._lock is None:
            with suppress(sqlite3.Error):
                self._lock = sqlite3.connect(self._file, timeout=0, isolation_level=None, check_same_thread=False)
                self._hold(self._lock)

    def is_alone(self) -> bool:
        """Return whether no other writer holds the shared lock."""
        self.show()
        if self._lock is None:
            return False
        self._lock.rollback()
        alone = try_lock(self._lock)
        self._lock.rollback()
        self._hold(self._lock)
        return alone

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _hold(self, lock: sqlite3.Connection) -> None:
        try:
            lock.execute("BEGIN")
            lock.execute(READ).fetchone()
        except sqlite3.Error:
            self.close()
