"""Presence: a replay on SQLite pauses for others who write, as they only poll for its lock; so it asks for any.

Whoever writes holds a lock beside the database, which ends with the process, however that ends.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from eventstore.db.replay_lock import lock_file, try_lock

READ = "SELECT count(*) FROM sqlite_schema"
"""Takes the lock that many may have at once."""


def writer_marker_of(engine: AsyncEngine) -> "WriterMarker":
    """Of whoever writes to SQLite by this engine."""
    return WriterMarker(lock_file(engine, "writers"))


class WriterMarker:
    """One among those who write. `close` it after."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock: sqlite3.Connection | None = None

    def show(self) -> None:
        """Is known to others from now on. Where that cannot be, such as on a full disk, it is tried the next time."""
        if self._lock is None:
            with suppress(sqlite3.Error):
                self._lock = sqlite3.connect(self._file, timeout=0, isolation_level=None, check_same_thread=False)
                self._hold(self._lock)

    def is_alone(self) -> bool:
        """Whether no others are known: then nobody keeps all of them out for a moment."""
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
