"""The replay lock: at most one process replays a database. The lock ends with its process, however that ends."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from eventstore.db.transactions import REPLAY_LOCK

TAKE = text(f"SELECT pg_try_advisory_lock({REPLAY_LOCK})")
"""Takes the lock for this connection, if it is free."""


IS_TAKEN = text(f"""
    SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {REPLAY_LOCK}
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")  # noqa: S608 - a constant of ours
"""Whether the lock is taken."""

PATIENCE_SEC = 1.0
"""On SQLite another process that only asks whether a replay runs holds the lock for a moment."""


@asynccontextmanager
async def replay_lock(engine: AsyncEngine) -> AsyncIterator[bool]:
    """Try to take the lock. The block gets False if another replay holds it, and must do nothing then."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(lock_file(engine, "replay"), timeout=PATIENCE_SEC, isolation_level=None)) as lock:
            yield try_lock(lock)
    else:
        connection = await engine.connect()
        try:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            yield bool((await connection.execute(TAKE)).scalar_one())
        finally:
            await connection.invalidate()  # the lock belongs to the connection, which must not return to the pool
            await connection.close()


async def is_replay_running(engine: AsyncEngine) -> bool:
    """Return whether a replay runs."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(lock_file(engine, "replay"), timeout=0, isolation_level=None)) as lock:
            return not try_lock(lock)
    async with engine.connect() as connection:
        return bool((await connection.execute(IS_TAKEN)).scalar_one())


def lock_file(engine: AsyncEngine, kind: str) -> Path:
    """Return the path of a lock file next to the database: an empty SQLite database, whose lock is used."""
    file = Path(engine.url.database or "")
    return file.with_name(f"{file.name}-{kind}")


def try_lock(lock: sqlite3.Connection) -> bool:
    """Try to take the lock until the end of the transaction. Return whether it was free."""
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True
