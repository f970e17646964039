"""A transaction as one piece of work: all of it or nothing, on a connection that may block while others wait."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.database import Database
from eventstore.errors import UnavailableError
from tests.conftest import opened
from tests.engine.rows import value
from tests.eventstore.erasures import COUNT, erase


async def test_what_it_comes_to_is_returned_and_kept(database: Database) -> None:
    async def work(connection: AsyncConnection) -> str:
        await erase(connection, "ada")
        return "done"

    assert await database.run_write(work) == "done"
    assert await value(database, COUNT) == 1


async def test_nothing_is_kept_of_one_that_fails_and_the_next_one_works(database: Database) -> None:
    async def fail(connection: AsyncConnection) -> None:
        await erase(connection, "ada")
        raise LookupError("on purpose")

    async def repeat(connection: AsyncConnection) -> None:
        await erase(connection, "ada")
        await erase(connection, "ada")

    with pytest.raises(LookupError, match="on purpose"):
        await database.run_write(fail)
    with pytest.raises(DBAPIError):
        await database.run_write(repeat)
    assert await value(database, COUNT) == 0
    await database.run_write(lambda connection: erase(connection, "ada"))
    assert await value(database, COUNT) == 1


async def test_a_savepoint_in_it_takes_back_its_own_part_alone(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await erase(connection, "ada")
        with pytest.raises(DBAPIError):
            await twice_within(connection)

    async def twice_within(connection: AsyncConnection) -> None:
        async with connection.begin_nested():
            await erase(connection, "bob")
            await erase(connection, "bob")

    await database.run_write(work)
    assert await value(database, "SELECT user_id FROM lms_erasure") == "ada"


async def test_on_sqlite_one_that_waits_for_something_else_is_refused(new_sqlite: Callable[[], str]) -> None:
    async def wait(connection: AsyncConnection) -> None:
        await erase(connection, "ada")
        await asyncio.sleep(0)

    async with opened(new_sqlite()) as database:
        with pytest.raises(RuntimeError, match="a transaction awaits something else"):
            await database.run_write(wait)
        assert await value(database, COUNT) == 0


async def test_on_sqlite_it_takes_its_turn_among_those_that_write(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.db.connect.SQLITE_BUSY_TIMEOUT_SEC", 0.05)

    url = new_sqlite()
    async with opened(url) as database, opened(url) as other:
        async with database.write() as connection:
            waiting = asyncio.create_task(database.run_write(lambda c: erase(c, "bob")))
            with pytest.raises(UnavailableError, match="locked"):
                await other.run_write(lambda c: erase(c, "cleo"))
            await erase(connection, "ada")
        await waiting
        assert await users(database) == ["ada", "bob"]


async def users(database: Database) -> list[str]:
    async with database.read() as connection:
        return list(await connection.scalars(text("SELECT user_id FROM lms_erasure ORDER BY user_id")))
