"""SQLite's threads: each does whole transactions, one hop there and back for each.

The driver for asyncio hops for every statement and every row fetched, and each time waits for a busy event loop to
let go of the interpreter. Here the connection blocks, and what is written for asyncio runs on it without suspending.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, TypeVar

from sqlalchemy import CursorResult, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import StaticPool

from eventstore.dialects.connect import WRITES, sqlite_engine

DRIVER = "sqlite+blocking"

READERS = 4
"""SQLite finds most of what is read in memory: more readers would only wait for each other."""

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

    async def execute(self, *statement: Any, **options: Any) -> CursorResult[Any]:
        assert self.sync_connection is not None  # noqa: S101 - it was started
        return self.sync_connection.execute(*statement, **options)


class DatabaseThread:
    """One thread with one connection, for transactions that write, or that only read. `close` it after."""

    def __init__(self, engine: AsyncEngine, *, writes: bool) -> None:
        url = engine.url.set(drivername=DRIVER)
        self._engine = sqlite_engine(url, poolclass=StaticPool).execution_options(**{WRITES: writes})
        if writes:
            event.listen(self._engine.sync_engine, "connect", _undo_in_memory)
        self._thread = ThreadPoolExecutor(1, "lms-database")

    async def transact(self, work: Work[Result]) -> Result:
        """Does the work in a transaction, and commits."""
        return await self._there(self._transaction(work))

    async def close(self) -> None:
        """Ends the thread, after what it is at."""
        await self._there(self._engine.dispose())
        self._thread.shutdown()

    async def _there(self, step: Coroutine[Any, Any, Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, without_suspending, step)

    async def _transaction(self, work: Work[Result]) -> Result:
        async with aclosing(BlockingConnection(self._engine)) as connection:
            await connection.start()
            async with connection.begin():
                return await work(connection)


class ReaderThreads:
    """Some threads that read: each transaction goes to one that is idle. `close` them after."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._threads = [DatabaseThread(engine, writes=False) for _ in range(READERS)]
        self._idle = asyncio.LifoQueue[DatabaseThread]()
        for thread in self._threads:
            self._idle.put_nowait(thread)

    async def transact(self, work: Work[Result]) -> Result:
        """Does the work in a transaction that only reads."""
        thread = await self._idle.get()
        try:
            return await thread.transact(work)
        finally:
            self._idle.put_nowait(thread)

    async def close(self) -> None:
        """Ends the threads, after what they are at."""
        for thread in self._threads:
            await thread.close()


def _undo_in_memory(connection: Any, _record: object) -> None:
    """A statement of many rows notes each page it changes, to undo it alone: in memory, and not in a file by then."""
    connection.execute("PRAGMA temp_store = MEMORY")


def writer_thread(engine: AsyncEngine) -> DatabaseThread | None:
    """The thread that does this database's transactions as wholes; None where connections do not block."""
    return DatabaseThread(engine, writes=True) if engine.dialect.name == "sqlite" else None


def reader_threads(engine: AsyncEngine) -> ReaderThreads | None:
    """The same for transactions that only read."""
    return ReaderThreads(engine) if engine.dialect.name == "sqlite" else None


def without_suspending(work: Coroutine[Any, Any, Result]) -> Result:
    """What comes of a coroutine that has nothing to wait for. Raises RuntimeError if it waits."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    work.close()
    raise RuntimeError("expected a transaction that awaits nothing but its connection, found one that waits")
