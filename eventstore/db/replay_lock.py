"""Being the only one: a lock that ends with the process that holds it, however that process ends."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from eventstore.db.transactions import REPLAY_LOCK

TAKE = text(f"SELECT pg_try_advisory_lock({REPLAY_LOCK})")
"""Takes the lock for this connection, if nobody has it."""


IS_TAKEN = text(f"""
    SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {REPLAY_LOCK}
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")  # noqa: S608 - a constant of ours
"""Whether anybody has the lock."""

PATIENCE_SEC = 1.0
"""For SQLite, where somebody who only looks whether there is a replay has the lock for a moment."""


@asynccontextmanager
async def replay_lock(engine: AsyncEngine) -> AsyncIterator[bool]:
    """Whether the block runs as the only one of its kind on this database; if not, it should do nothing."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(lock_file(engine, "replay"), timeout=PATIENCE_SEC, isolation_level=None)) as lock:
            yield try_lock(lock)
    else:
        connection = await engine.connect()
        try:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            yield bool((await connection.execute(TAKE)).scalar_one())
        finally:
            await connection.invalidate()  # the lock goes with the connection, which must not go back to the pool
            await connection.close()


async def is_replay_running(engine: AsyncEngine) -> bool:
    """Whether there is one now."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(lock_file(engine, "replay"), timeout=0, isolation_level=None)) as lock:
            return not try_lock(lock)
    async with engine.connect() as connection:
        return bool((await connection.execute(IS_TAKEN)).scalar_one())


def lock_file(engine: AsyncEngine, kind: str) -> Path:
    """The file beside the database whose lock stands for that kind of work: a SQLite database with nothing in it."""
    file = Path(engine.url.database or "")
    return file.with_name(f"{file.name}-{kind}")


def try_lock(lock: sqlite3.Connection) -> bool:
    """Whether nobody else has the lock: then this one has it, until its transaction ends."""
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True
