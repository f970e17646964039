"""The door to the database: transactions that read, and transactions that write.

Trouble that will pass (a lost connection, a lock, no room) comes out as Unavailable, never as a driver's error.
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
"""How many transactions of a process write at once where the database allows it: one waits for it, one computes."""


class Database:
    """One database and its pool of connections. `url` is `sqlite:///FILE` or `postgresql://…`.

    With an `engine` of its own it is one way to that database, as a shadow has it.
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
        """Its URL as people may see it: without the password."""
        return self.engine.url.set(drivername=self.engine.url.get_backend_name()).render_as_string()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads, all of it as of one moment. Raises Unavailable while there is no database."""
        with translate_errors():
            async with self._reader.begin() as connection:
                yield connection

    async def run_read(self, work: Work[Result]) -> Result:
        """As `read`, with all that is read in it by one piece of `work`, which awaits nothing but its connection."""
        if self._reader_thread is None:
            async with self.read() as connection:
                return await work(connection)
        with translate_errors():
            return await self._reader_thread.transact(work)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes, and commits when the block ends. No course is published meanwhile."""
        async with self._transaction(alone=False) as connection:
            yield connection

    async def run_write(self, work: Work[Result]) -> Result:
        """As `write`, with all that is done in it as one piece of `work`, which awaits nothing but its connection."""
        with translate_errors():
            if self._writer_thread is None or self._turn is None:
                async with DirectConnection(self._writer, self._statements) as connection, connection.begin():
                    await begin_batch(connection)
                    return await work(connection)
            async with self._turn.shared():
                return await self._writer_thread.transact(work)

    def yield_to_writer(self) -> None:
        """Lets the statements of `transact` go first for a moment, where a thread of this process executes them."""
        if self._writer_thread is not None:
            self._writer_thread.give_way()

    @asynccontextmanager
    async def write_exclusive(self) -> AsyncIterator[AsyncConnection]:
        """As `write`, while nobody else appends or publishes: keep it short."""
        async with self._transaction(alone=True) as connection:
            yield connection

    @asynccontextmanager
    async def write_without_course_lock(self) -> AsyncIterator[AsyncConnection]:
        """As `write`, of what nobody else writes: courses may be published meanwhile."""
        with translate_errors():
            async with self._alone(), self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write_staged(self, stage: Work[None]) -> AsyncIterator[AsyncConnection]:
        """As `write_apart`, after a `stage` on the same connection that fills temporary tables, while others write."""
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
        """Whether nobody else could be waiting to write. Never where several may write at a time."""
        return self._turn is not None and self._turn.is_free()

    async def check(self) -> None:
        """Raises Unavailable unless the database answers."""
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
    """What the driver raises for trouble that will pass, as Unavailable."""
    try:
        yield
    except (DBAPIError, OSError, PoolTimeout) as error:
        if isinstance(error, PoolTimeout) or is_transient(error):
            cause = getattr(error, "orig", None) or error
            kind = TransactionConflictError if is_serialization_failure(error) else UnavailableError
            raise kind(f"expected an answer from the database, found: {str(cause) or 'none in time'}") from error
        raise
