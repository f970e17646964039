"""Whether somebody else could be waiting to write to SQLite: only then is there a reason to pause."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eventstore.db.database import Database
from tests.conftest import opened

NewDatabase = Callable[[], str]

WRITE_AND_STAY = """
import asyncio, sys
from eventstore.db.database import Database
async def main():
    database = Database(sys.argv[1])
    async with database.write():
        pass
    print("wrote", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_one_is_alone_until_another_writes_and_again_once_that_one_is_closed(new_sqlite: NewDatabase) -> None:
    url = new_sqlite()
    async with opened(url) as ours:
        assert ours.is_alone()
        async with opened(url) as other:
            async with other.read():
                pass
            assert ours.is_alone()
            await write(other)
            assert not ours.is_alone()
            assert not other.is_alone()
        assert ours.is_alone()


async def test_a_process_that_is_killed_is_not_there_any_more(new_sqlite: NewDatabase) -> None:
    url = new_sqlite()
    async with opened(url) as ours:
        await write(ours)
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITE_AND_STAY, url, stdout=asyncio.subprocess.PIPE
        )
        assert other.stdout is not None
        assert await other.stdout.readline() == b"wrote\n"
        assert not ours.is_alone()
        other.kill()
        await other.wait()
        assert ours.is_alone()


async def test_nobody_is_alone_while_one_writes_by_the_same_door(new_sqlite: NewDatabase) -> None:
    async with opened(new_sqlite()) as ours:
        async with ours.write():
            assert not ours.is_alone()
        assert ours.is_alone()


async def test_who_cannot_tell_whether_there_are_others_is_not_alone_and_writes_all_the_same(
    new_sqlite: NewDatabase,
) -> None:
    url = new_sqlite()
    writers_file(url).mkdir()

    async with opened(url) as ours:
        await write(ours)
        assert not ours.is_alone()


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
async def test_on_postgresql_nobody_is_known_to_be_alone(database_url: str) -> None:
    async with opened(database_url) as ours:
        await write(ours)
        assert not ours.is_alone()


def writers_file(url: str) -> Path:
    return Path(f"{url.removeprefix('sqlite:///')}-writers")


async def write(database: Database) -> None:
    async with database.write():
        pass
