"""The database: read transactions and write transactions.

A transient error (a lost connection, a lock, a full disk) becomes UnavailableError; a driver's error never gets out.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.db import (
    WRITES,
    DirectConnection,
    PreparedStatements,
    Work,
    begin_batch,
    create_engine,
    has_one_writer,
    is_serialization_failure,
    is_transient,
    lock_courses,
    reader_thread,
    repeatable_read_options,
    writer_marker_of,
    writer_thread,
)
from eventstore.db.sqlite.writer_lock import WriterLock
from eventstore.errors import TransactionConflictError, UnavailableError

Result = TypeVar("Result")

WRITERS = 2
"""Write transactions of a process at once where the database allows several: one waits for it while one computes."""


class Database:
    """A database and its pool of connections. `url` is `sqlite:///FILE` or `postgresql://…`.

    A shadow passes an `engine` of its own, whose connections see the shadow's tables.
    """

    def __init__(self, url: str, pool_size: int = 8, engine: AsyncEngine | None = None) -> None:
        self.url = url
        self.engine = engine or create_engine(url, pool_size)
        one_writer = has_one_writer(self.engine.dialect)
        self.writers = 1 if one_writer else WRITERS
        self._turn = WriterLock(writer_marker_of(self.engine) if engine is None else None) if one_writer else None
        self._writer = self.engine.execution_options(**{WRITES: True})
        self._reader = self.engine.execution_options(**repeatable_read_options(self.engine.dialect))
        self._statements = PreparedStatements(self.engine.dialect)
        self._writer_thread = writer_thread(self.engine)
        self._reader_thread = reader_thread(self.engine)

    @property
    def name(self) -> str:
        """The URL without its password, for people."""
        return self.engine.url.set(drivername=self.engine.url.get_backend_name()).render_as_string()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read transaction on one snapshot. Raise UnavailableError while the database is unreachable."""
        with translate_errors():
            async with self._reader.begin() as connection:
                yield connection

    async def run_read(self, work: Work[Result]) -> Result:
        """Run `work` in a read transaction.

        On SQLite it runs on the reader thread, so `work` may await only its connection.
        """
        if self._reader_thread is None:
            async with self.read() as connection:
                return await work(connection)
        with translate_errors():
            return await self._reader_thread.transact(work)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction, which commits when the block ends. No course is published meanwhile."""
        async with self._transaction(alone=False) as connection:
            yield connection

    async def run_write(self, work: Work[Result]) -> Result:
        """Run `work` in a write transaction, on the writer thread where there is one; `work` may await only its
        connection.
        """
        with translate_errors():
            if self._writer_thread is None or self._turn is None:
                async with DirectConnection(self._writer, self._statements) as connection, connection.begin():
                    await begin_batch(connection)
                    return await work(connection)
            async with self._turn.shared():
                return await self._writer_thread.transact(work)

    def yield_to_writer(self) -> None:
        """Let the statements of `run_write` run first for a moment, where a thread of this process executes them."""
        if self._writer_thread is not None:
            self._writer_thread.give_way()

    @asynccontextmanager
    async def write_exclusive(self) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction while nobody else appends or publishes. Keep it short."""
        async with self._transaction(alone=True) as connection:
            yield connection

    @asynccontextmanager
    async def write_without_course_lock(self) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction without the course lock, for rows that do not depend on the course catalog."""
        with translate_errors():
            async with self._alone(), self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write_staged(self, stage: Work[None]) -> AsyncIterator[AsyncConnection]:
        """Fill temporary tables with `stage` while others write, then open a write transaction without the course lock.

        Both use the same connection.
        """
        with translate_errors():
            async with self.engine.connect() as connection:
                async with connection.begin():
                    await stage(connection)
                await connection.execution_options(**{WRITES: True})
                async with self._alone(), connection.begin():
                    yield connection

    @asynccontextmanager
    async def _transaction(self, *, alone: bool) -> AsyncIterator[AsyncConnection]:
        async with self.write_without_course_lock() as connection:
            await lock_courses(connection, alone=alone)
            yield connection

    def _alone(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._turn is None else self._turn.exclusive()

    def is_alone(self) -> bool:
        """Return whether nobody else could wait to write. It is False where several can write at a time."""
        return self._turn is not None and self._turn.is_free()

    async def check(self) -> None:
        """Raise UnavailableError unless the database answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        if self._writer_thread is not None:
            await self._writer_thread.close()
        if self._reader_thread is not None:
            await self._reader_thread.close()
        if self._turn is not None:
            self._turn.close()
        await self.engine.dispose()


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise UnavailableError in place of a driver's transient error."""
    try:
        yield
    except (DBAPIError, OSError, PoolTimeout) as error:
        if isinstance(error, PoolTimeout) or is_transient(error):
            cause = getattr(error, "orig", None) or error
            kind = TransactionConflictError if is_serialization_failure(error) else UnavailableError
            raise kind(f"the database does not answer: {str(cause) or 'timeout'}") from error
        raise
