"""Checkpoints (SQLite): a thread copies committed pages from the WAL into the file.

Left to itself, SQLite does this inside a commit now and then, and that commit waits for all of it.
"""

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from eventstore.db.connect import set_up_sqlite

PASS_COMMITS = 10
"""The number of commits after which a pass begins. Each pass flushes the file, and commits wait for the disk meanwhile:
20 ms where it takes 25,000 pages a second and the pass has 360 events. So passes are short where commits are small.
"""

LEAST_ROWS = 250
"""A pass over fewer written rows is not worth its flush. This is about 60 single events, or 400 pages of the WAL."""

MOST_ROWS = 1_500
"""After this many written rows a pass begins, however few the commits."""

CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
"""Copies as many pages as possible without waiting for anybody."""


class Checkpointer:
    """Runs passes over one database file on its own thread. Call `close` at the end."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "lms-checkpoint")
        self._connection: sqlite3.Connection | None = None
        self._pass: Future[None] | None = None
        self._rows_at_last_pass = 0
        self._commits = 0

    def after_commit(self, rows_written: int) -> None:
        """Begin a pass if it is due. `rows_written` is the total of the writer's connection.

        Wait for a pass that is under way, so that the WAL does not outgrow it; the writer's next commit does the rest
        then.
        """
        self._commits += 1
        rows = rows_written - self._rows_at_last_pass
        if rows < (LEAST_ROWS if self._commits >= PASS_COMMITS else MOST_ROWS):
            return
        self._rows_at_last_pass = rows_written
        self._commits = 0
        before = self._pass
        under_way = self.start()
        if under_way is before:
            under_way.result()

    def start(self) -> Future[None]:
        """Start a pass, unless one is under way, and return it."""
        if self._pass is None or self._pass.done():
            self._pass = self._thread.submit(self._checkpoint)
        return self._pass

    def close(self) -> None:
        """End the thread after its present pass."""
        self._thread.submit(self._disconnect)
        self._thread.shutdown()

    def _checkpoint(self) -> None:
        with suppress(sqlite3.Error):  # the writer will meet the same error, such as a full disk, itself
            if self._connection is None:
                self._connection = sqlite3.connect(self._file, uri=True)
                set_up_sqlite(self._connection)
            self._connection.execute(CHECKPOINT)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
