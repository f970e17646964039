"""Checkpoints: SQLite copies what was committed from its log into the file, or the log would only grow.

Left to itself, a commit does that every so often, and whoever waits for it waits for all of it. Here a thread beside
the writer does most of it, while transactions go on.
"""

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from eventstore.dialects.connect import set_up_sqlite

PASS_ROWS = 1_500
"""After so many rows that were written, a pass begins. About 360 single events, and 2,400 pages of the log: the file is
flushed after each, and commits wait for the disk meanwhile, so several short flushes are better than a long one."""

CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
"""Copies as much as it can without waiting for anybody."""


class Checkpointer:
    """Does passes over one database file, in a thread of its own. `close` it after."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, "lms-checkpoint")
        self._connection: sqlite3.Connection | None = None
        self._pass: Future[None] | None = None
        self._rows_at_last_pass = 0

    def after_commit(self, rows_written: int) -> None:
        """Begins a pass if it is time for one. `rows_written`: by the writer's connection, ever.

        Waits for one that is under way still, or the log would outgrow it; the writer's next commit does the rest then.
        """
        if rows_written - self._rows_at_last_pass < PASS_ROWS:
            return
        self._rows_at_last_pass = rows_written
        if self._pass is None or self._pass.done():
            self._pass = self._thread.submit(self._checkpoint)
        else:
            self._pass.result()

    def close(self) -> None:
        """Ends the thread, after what it is at."""
        self._thread.submit(self._disconnect)
        self._thread.shutdown()

    def _checkpoint(self) -> None:
        with suppress(sqlite3.Error):  # what keeps it from its work, such as a full disk, the writer will meet itself
            if self._connection is None:
                self._connection = sqlite3.connect(self._file, uri=True)
                set_up_sqlite(self._connection)
            self._connection.execute(CHECKPOINT)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
