"""SQLite's threads: each runs whole transactions, with one switch of threads for each.

The asyncio driver switches threads for every statement and every fetched row, and each time waits until a busy event
loop releases the interpreter. Here the connection blocks, and code written for asyncio runs on it without suspending.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import StaticPool

from eventstore.db.connect import WRITES, sqlite_engine
from eventstore.db.prepared import Prepared, PreparedStatements, Rows
from eventstore.db.sqlite.checkpoints import Checkpointer

DRIVER = "sqlite+blocking"

HEAD_START_SEC = 0.005
"""The longest wait of `yield_to_writer`. The statements of a hundred single events take less."""

Result = TypeVar("Result")
Work = Callable[[AsyncConnection], Coroutine[Any, Any, Result]]
"""The work of a transaction. It may await only its connection."""


class BlockingSqlite(SQLiteDialect_pysqlite):
    """Python's sqlite3 in the role of an asyncio driver whose calls never suspend."""

    is_async = True
    supports_statement_cache = True


registry.register(DRIVER.replace("+", "."), __name__, BlockingSqlite.__name__)


class BlockingConnection(AsyncConnection):
    """A connection that executes statements without requiring that the driver suspends."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self._statements = PreparedStatements(engine.dialect)

    async def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        assert self.sync_connection is not None  # noqa: S101 - it was started
        prepared = None if options or isinstance(parameters, list) else self._statements.get(statement)
        if prepared is None:
            return self.sync_connection.execute(statement, parameters, **options)
        return self._run(self.sync_connection.connection.driver_connection, prepared, parameters or {})

    @property
    def rows_written(self) -> int:
        """The number of rows that this connection has written so far."""
        assert self.sync_connection is not None  # noqa: S101 - it was started
        driver: Any = self.sync_connection.connection.driver_connection
        rows: int = driver.total_changes
        return rows

    def _run(self, driver: Any, prepared: Prepared, given: Mapping[str, Any]) -> Rows:
        try:
            cursor = driver.execute(prepared.sql, prepared.arguments(given))
            return prepared.result(cursor.fetchall(), cursor.rowcount)
        except sqlite3.Error as error:
            raise DBAPIError.instance(prepared.sql, None, error, sqlite3.Error, hide_parameters=True) from error


class DatabaseThread:
    """A thread with one connection, for transactions that write, or that only read. Call `close` at the end."""

    def __init__(self, engine: AsyncEngine, *, writes: bool) -> None:
        url = engine.url.set(drivername=DRIVER)
        self._engine = sqlite_engine(url, poolclass=StaticPool).execution_options(**{WRITES: writes})
        if writes:
            event.listen(self._engine.sync_engine, "connect", _undo_in_memory)
        self._connection = BlockingConnection(self._engine)
        self._checkpointer = Checkpointer(str(url.database)) if writes else None
        self._thread = ThreadPoolExecutor(1, "lms-database")
        self._executing = threading.Lock()
        self._takes_long = False

    async def transact(self, work: Work[Result]) -> Result:
        """Run the work in a transaction, and commit."""
        return await self._there(self._transaction(work))

    def give_way(self) -> None:
        """Wait a moment at most while a transaction's statements are executed.

        The two threads would otherwise take the interpreter from each other at every statement, which takes longer than
        the statement: see docs/decisions/0020-the-writer-goes-first.md.
        """
        if self._takes_long:
            return
        if self._executing.acquire(timeout=HEAD_START_SEC):
            self._executing.release()
        else:
            self._takes_long = True

    async def close(self) -> None:
        """End the thread after its present transaction."""
        if self._checkpointer is not None:
            self._checkpointer.close()
        await self._there(self._end())
        self._thread.shutdown()

    async def _there(self, step: Coroutine[Any, Any, Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, run_coroutine_sync, step)

    async def _transaction(self, work: Work[Result]) -> Result:
        connection = self._connection.sync_connection or (await self._connection.start()).sync_connection
        assert connection is not None  # noqa: S101 - it was started
        with connection.begin():
            self._takes_long = False
            with self._executing:
                result = await work(self._connection)
        if self._checkpointer is not None:
            self._checkpointer.after_commit(self._connection.rows_written)
        return result

    async def _end(self) -> None:
        if self._connection.sync_connection is not None:
            await self._connection.close()
        await self._engine.dispose()


def _undo_in_memory(connection: Any, _record: object) -> None:
    """Store statement journals in memory instead of a temporary file."""
    connection.execute("PRAGMA temp_store = MEMORY")


def writer_thread(engine: AsyncEngine) -> DatabaseThread | None:
    """Return the writer thread of this database, or None where connections do not block."""
    return DatabaseThread(engine, writes=True) if engine.dialect.name == "sqlite" else None


def reader_thread(engine: AsyncEngine) -> DatabaseThread | None:
    """Return the reader thread of this database, or None where connections do not block.

    There is one only: sqlite3 releases the interpreter at every row, so four threads take three times the processor
    time.
    """
    return DatabaseThread(engine, writes=False) if engine.dialect.name == "sqlite" else None


def run_coroutine_sync(work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of a coroutine that never suspends. Raise RuntimeError if it does."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    work.close()
    raise RuntimeError("a transaction awaits something else than its connection")
