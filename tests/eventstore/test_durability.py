"""Durability: what has committed is on the disk, whatever the database was told to do without."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.replay.shadow_tables import open_shadow
from tests.conftest import opened
from tests.engine.rows import change
from tests.support.postgres import PostgresServer

NORMAL, FULL = 1, 2
"""SQLite's numbers for `synchronous = NORMAL`, which flushes its log before it is copied into the file, and `FULL`."""


@pytest.mark.parametrize(
    ("configured", "in_force"),
    [
        ("off", "on"),
        ("on", "on"),
        ("local", "local"),
        ("remote_write", "remote_write"),
        ("remote_apply", "remote_apply"),
    ],
)
async def test_on_postgresql_every_commit_waits_for_the_disk_and_for_whom_else_the_operator_chose(
    postgres: PostgresServer, configured: str, in_force: str
) -> None:
    url = postgres.create_database()
    name = url.rpartition("/")[2]
    try:
        async with opened(url) as database:
            await change(database, f"ALTER DATABASE {name} SET synchronous_commit = '{configured}'")

        async with opened(url) as database:
            found = [await database.run_write(synchronous_commit)]
            with suppress(ZeroDivisionError):
                async with database.write():
                    raise ZeroDivisionError
            async with database.write() as connection:
                found.append(await synchronous_commit(connection))
            assert found == [in_force] * 2
    finally:
        postgres.drop_database(url)


async def synchronous_commit(connection: AsyncConnection) -> str:
    """What COMMIT waits for."""
    return str((await connection.execute(text("SHOW synchronous_commit"))).scalar_one())


async def test_on_sqlite_every_commit_flushes_the_write_ahead_log(new_sqlite: Callable[[], str]) -> None:
    async with opened(new_sqlite()) as database:
        found = [await database.run_write(flushing)]
        for transaction in (database.write(), database.write_exclusive(), database.write_without_course_lock()):
            async with transaction as connection:
                found.append(await flushing(connection))
        assert found == [("wal", FULL, 1)] * 4


async def test_what_a_replay_swaps_in_is_flushed_with_all_that_was_brought_before(
    new_sqlite: Callable[[], str],
) -> None:
    """A flush of the log is one of all that stands in it: so bringing need not wait for any of its own."""

    async with opened(new_sqlite()) as database, open_shadow(database, "some") as shadow:
        async with shadow.copying.write_without_course_lock() as connection:
            assert await live_synchronous(connection) == NORMAL
        async with shadow.swapping.write_exclusive() as connection:
            assert await live_synchronous(connection) == FULL


async def live_synchronous(connection: AsyncConnection) -> int:
    """What COMMIT waits for in the live file, on a connection of a shadow."""
    return int((await connection.execute(text("PRAGMA live.synchronous"))).scalar_one())


async def flushing(connection: AsyncConnection) -> tuple[object, ...]:
    """The pragmas that say what COMMIT waits for: the last of them means something on macOS alone."""
    names = ("journal_mode", "synchronous", "fullfsync")
    return tuple([(await connection.execute(text(f"PRAGMA {name}"))).scalar_one() for name in names])
