"""Transactions: who holds what while one goes on, and what it sees."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

Step = Callable[[AsyncConnection], Awaitable[Any]]
"""A part of something longer, to be done in a transaction of its own."""

Transaction = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Begins a transaction, which commits when its block ends."""


class ConnectionRole(Enum):
    """What a shadow's connections are for: to fill it, to bring its rows to where they can be swapped in, to swap."""

    BUILD = "fills"
    COPY = "brings"
    SWAP = "swaps"


PUBLISH_LOCK = 5_270_401
"""The key of PostgreSQL's advisory lock that appenders share and publishers take alone."""

REPLAY_LOCK = 5_270_402
"""The key of the one that a running replay holds."""

ROUNDS_LOCK = 5_270_403
"""The key of the one that a transaction takes which locks shared rows in several rounds."""


LOCK_COURSES = select(func.pg_advisory_xact_lock_shared(PUBLISH_LOCK))
"""Waits until nobody publishes, and keeps them from it."""

LOCK_COURSES_ALONE = select(func.pg_advisory_xact_lock(PUBLISH_LOCK))
"""The same, and keeps all others from appending."""

WHOLE_TABLES = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""What PostgreSQL calls the ways to find rows for which it reads all of a table."""

LOCK_COURSES_FOR_BATCH = LOCK_COURSES.add_columns(
    *(literal_column(f"set_config('{way}', 'off', true)") for way in WHOLE_TABLES)
)
"""As LOCK_COURSES, and has what follows find its rows by index.

PostgreSQL plans a statement by how large its tables are, and keeps the plan while they grow: one that it makes when
there is little would read all of them for each batch, until they are counted anew.
"""


async def lock_courses(connection: AsyncConnection, *, alone: bool) -> None:
    """Until the transaction ends, no course is published (shared), or nothing appended either (`alone`).

    On SQLite the write lock, which the transaction has already, serves for both.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(LOCK_COURSES_ALONE if alone else LOCK_COURSES)


async def begin_batch(connection: AsyncConnection) -> None:
    """As `lock_courses`, shared, before statements that look up by key what a batch is about, however much there is."""
    if connection.dialect.name == "postgresql":
        await connection.execute(LOCK_COURSES_FOR_BATCH)


async def lock_fallback_shard(connection: AsyncConnection) -> None:
    """Until the transaction ends, no other one has this lock. On SQLite the write lock serves for it, too."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({ROUNDS_LOCK})"))


def repeatable_read_options(dialect: Dialect) -> dict[str, Any]:
    """Options by which all reads of a transaction see the same state; on SQLite they do anyway."""
    if dialect.name == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def has_one_writer(dialect: Dialect) -> bool:
    """Whether only one transaction can write at a time, so that writers had better queue in order."""
    return dialect.name == "sqlite"
