"""A transaction that is cancelled: it lets go of what it held at once, whoever still holds its error."""

import asyncio

import pytest
from sqlalchemy import text

from eventstore.db.database import Database
from tests.engine.rows import value
from tests.eventstore.erasures import COUNT, erase

MORE_AFTER_A_WHILE = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
    SELECT count(*) FROM n UNION ALL SELECT 1
"""
"""A first row that takes long, and a second one: whoever reads it is not done when the first has come."""


async def test_it_holds_back_nobody_while_its_error_is_at_hand(database: Database) -> None:
    async def write(database: Database, reading: asyncio.Event) -> None:
        async with database.write() as connection:
            await erase(connection, "ada")
            reading.set()
            await connection.execute(text(MORE_AFTER_A_WHILE))

    reading = asyncio.Event()
    writing = asyncio.create_task(write(database, reading))
    await reading.wait()
    await asyncio.sleep(0.01)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError) as at_hand:
        await writing
    async with database.write() as connection:
        await erase(connection, "bob")
    assert await value(database, COUNT) == 1
    del at_hand
