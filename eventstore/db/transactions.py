"""Transactions: the locks that they take, and the snapshot that they see."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

Step = Callable[[AsyncConnection], Awaitable[Any]]
"""A part of longer work, in a transaction of its own."""

Transaction = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a transaction, which commits when its block ends."""


class ConnectionRole(Enum):
    """The role of a shadow's connections: to build it, to copy its rows to staging tables, to swap."""

    BUILD = "fills"
    COPY = "brings"
    SWAP = "swaps"


PUBLISH_LOCK = 5_270_401
"""The key of PostgreSQL's advisory lock that appenders share and publishers take exclusively."""

REPLAY_LOCK = 5_270_402
"""The key of the advisory lock of a running replay."""

ROUNDS_LOCK = 5_270_403
"""The key of the advisory lock on the fallback shard."""


LOCK_COURSES = select(func.pg_advisory_xact_lock_shared(PUBLISH_LOCK))
"""Takes the course lock shared: nobody publishes meanwhile."""

LOCK_COURSES_ALONE = select(func.pg_advisory_xact_lock(PUBLISH_LOCK))
"""Takes the course lock exclusively: nobody publishes or appends meanwhile."""

WHOLE_TABLES = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
"""PostgreSQL's names of the plans that read a whole table."""

LOCK_COURSES_FOR_BATCH = LOCK_COURSES.add_columns(
    *(literal_column(f"set_config('{way}', 'off', true)") for way in WHOLE_TABLES)
)
"""Takes the course lock shared, and turns plans off that read whole tables.

PostgreSQL plans a statement by the size of its tables, and keeps the plan while they grow. A plan made for small tables
would read all of them for each batch, until the server analyzes them again.
"""


async def lock_courses(connection: AsyncConnection, *, alone: bool) -> None:
    """Take the course lock until the transaction ends, shared or (`alone`) exclusively.

    On SQLite the write lock, which the transaction holds already, serves for both.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(LOCK_COURSES_ALONE if alone else LOCK_COURSES)


async def begin_batch(connection: AsyncConnection) -> None:
    """Take the course lock shared, for statements that look rows up by key, however large the tables are."""
    if connection.dialect.name == "postgresql":
        await connection.execute(LOCK_COURSES_FOR_BATCH)


async def lock_fallback_shard(connection: AsyncConnection) -> None:
    """Lock the fallback shard until the transaction ends. On SQLite the write lock serves for it."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({ROUNDS_LOCK})"))


def repeatable_read_options(dialect: Dialect) -> dict[str, Any]:
    """Return the options by which all reads of a transaction see one snapshot; on SQLite they always do."""
    if dialect.name == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def has_one_writer(dialect: Dialect) -> bool:
    """Return whether only one transaction can write at a time, so that writers should queue in order."""
    return dialect.name == "sqlite"
