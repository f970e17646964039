"""SQLite's threads: each does whole transactions, one hop there and back for each.

The driver for asyncio hops for every statement and every row fetched, and each time waits for a busy event loop to
let go of the interpreter. Here the connection blocks, and what is written for asyncio runs on it without suspending.
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
"""The statements of a hundred single events take less. Whoever gives way to more waits no longer than so."""

Result = TypeVar("Result")
Work = Callable[[AsyncConnection], Coroutine[Any, Any, Result]]
"""What a transaction does. It awaits nothing but its connection."""


class BlockingSqlite(SQLiteDialect_pysqlite):
    """Python's own sqlite3, which passes for a driver for asyncio: its calls just never suspend."""

    is_async = True
    supports_statement_cache = True


registry.register(DRIVER.replace("+", "."), __name__, BlockingSqlite.__name__)


class BlockingConnection(AsyncConnection):
    """Executes without insisting that a driver for asyncio would have had to wait."""

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
        """How many rows this connection has written, ever."""
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
    """One thread with one connection, for transactions that write, or that only read. `close` it after."""

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
        """Does the work in a transaction, and commits."""
        return await self._there(self._transaction(work))

    def give_way(self) -> None:
        """Has the calling thread wait, a moment at most, while a transaction's statements are executed.

        The two would else take the interpreter from each other at every statement, and hand it over more slowly than a
        statement takes: see docs/decisions/0020-the-writer-goes-first.md.
        """
        if self._takes_long:
            return
        if self._executing.acquire(timeout=HEAD_START_SEC):
            self._executing.release()
        else:
            self._takes_long = True

    async def close(self) -> None:
        """Ends the thread, after what it is at."""
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
    """A statement of many rows notes each page it changes, to undo it alone: in memory, and not in a file by then."""
    connection.execute("PRAGMA temp_store = MEMORY")


def writer_thread(engine: AsyncEngine) -> DatabaseThread | None:
    """The thread that does this database's transactions as wholes; None where connections do not block."""
    return DatabaseThread(engine, writes=True) if engine.dialect.name == "sqlite" else None


def reader_thread(engine: AsyncEngine) -> DatabaseThread | None:
    """The same for transactions that only read. One: sqlite3 lets go of the interpreter at every row.

    Several threads would take it from each other at every row, and four take three times as long of a processor.
    """
    return DatabaseThread(engine, writes=False) if engine.dialect.name == "sqlite" else None


def run_coroutine_sync(work: Coroutine[Any, Any, Result]) -> Result:
    """What comes of a coroutine that has nothing to wait for. Raises RuntimeError if it waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    work.close()
    raise RuntimeError("expected a transaction that awaits nothing but its connection, found one that waits")
