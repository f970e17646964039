"""The door to the database: transactions that read, and transactions that write.

Trouble that will pass (a lost connection, a lock, no room) comes out as Unavailable, never as a driver's error.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.dialects import (
    WRITES,
    create_engine,
    has_one_writer,
    is_clash,
    is_transient,
    lock_courses,
    one_snapshot,
)
from eventstore.errors import Clash, Unavailable


class Database:
    """One database and its pool of connections. `url` is `sqlite:///FILE` or `postgresql://…`.

    With an `engine` of its own it is one way to that database, as a shadow has it.
    """

    def __init__(self, url: str, pool_size: int = 8, engine: AsyncEngine | None = None) -> None:
        self.url = url
        self.engine = engine or create_engine(url, pool_size)
        one_writer = has_one_writer(self.engine.dialect)
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if one_writer else nullcontext()
        self._writer = self.engine.execution_options(**{WRITES: True})
        self._reader = self.engine.execution_options(**one_snapshot(self.engine.dialect))

    @property
    def name(self) -> str:
        """Its URL as people may see it: without the password."""
        return self.engine.url.set(drivername=self.engine.url.get_backend_name()).render_as_string()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads, all of it as of one moment. Raises Unavailable while there is no database."""
        with translated():
            async with self._reader.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes, and commits when the block ends. No course is published meanwhile."""
        async with self._transaction(alone=False) as connection:
            yield connection

    @asynccontextmanager
    async def write_alone(self) -> AsyncIterator[AsyncConnection]:
        """As `write`, while nobody else appends or publishes: keep it short."""
        async with self._transaction(alone=True) as connection:
            yield connection

    @asynccontextmanager
    async def write_apart(self) -> AsyncIterator[AsyncConnection]:
        """As `write`, of what nobody else writes: courses may be published meanwhile."""
        with translated():
            async with self._turn, self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _transaction(self, *, alone: bool) -> AsyncIterator[AsyncConnection]:
        async with self.write_apart() as connection:
            await lock_courses(connection, alone=alone)
            yield connection

    async def check(self) -> None:
        """Raises Unavailable unless the database answers."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """What the driver raises for trouble that will pass, as Unavailable."""
    try:
        yield
    except (DBAPIError, OSError, PoolTimeout) as error:
        if isinstance(error, PoolTimeout) or is_transient(error):
            cause = getattr(error, "orig", None) or error
            kind = Clash if is_clash(error) else Unavailable
            raise kind(f"expected an answer from the database, found: {cause}") from error
        raise
