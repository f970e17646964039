"""Checkpoints: SQLite copies what was committed from its log into the file, or the log would only grow.

Left to itself, a commit does that every so often, and whoever waits for it waits for all of it. Here a thread beside
the writer does most of it, while transactions go on.
"""

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from eventstore.db.connect import set_up_sqlite

PASS_COMMITS = 10
"""After so many commits a pass begins. The file is flushed after each, and commits wait for the disk meanwhile, 20 ms
where it takes 25,000 pages a second and 360 events are in the pass: so passes are short where commits are small."""

LEAST_ROWS = 250
"""A pass of fewer rows that were written is not worth its flush. About 60 single events, and 400 pages of the log."""

MOST_ROWS = 1_500
"""So many rows are worth a pass, however few commits they came in."""

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
        self._commits = 0

    def after_commit(self, rows_written: int) -> None:
        """Begins a pass if it is time for one. `rows_written`: by the writer's connection, ever.

        Waits for one that is under way still, or the log would outgrow it; the writer's next commit does the rest then.
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
        """The pass that is under way: a new one, unless one was already."""
        if self._pass is None or self._pass.done():
            self._pass = self._thread.submit(self._checkpoint)
        return self._pass

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
