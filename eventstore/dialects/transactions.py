"""Transactions: who holds what while one goes on, and what it sees."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

PUBLISH_LOCK = 5_270_401
"""The key of PostgreSQL's advisory lock that appenders share and publishers take alone."""

REPLAY_LOCK = 5_270_402
"""The key of the one that a running replay holds."""


async def lock_courses(connection: AsyncConnection, *, alone: bool) -> None:
    """Until the transaction ends, no course is published (shared), or nothing appended either (`alone`).

    On SQLite the write lock, which the transaction has already, serves for both.
    """
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        await connection.execute(text(f"SELECT {function}({PUBLISH_LOCK})"))


def one_snapshot(dialect: Dialect) -> dict[str, Any]:
    """Options by which all reads of a transaction see the same state; on SQLite they do anyway."""
    if dialect.name == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def has_one_writer(dialect: Dialect) -> bool:
    """Whether only one transaction can write at a time, so that writers had better queue in order."""
    return dialect.name == "sqlite"
