"""Statements that come again go to the driver directly: they return and raise what they did the first time."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db import insert
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.tables import lms_erasure
from integrations.tables import lms_inbox

TIMES = 3
_e = lms_erasure.c
_rows = json_rows("rows", _e.user_id, _e.erased_at)
INSERT = insert(lms_erasure).from_select(["user_id", "erased_at"], select(*_rows.c))
INSERT_AND_TELL = INSERT.returning(_e.erased_at, _e.user_id)
SELECT_SINCE = select(_e.erased_at, _e.user_id).where(_e.erased_at > bindparam("since")).order_by(_e.user_id)
SELECT_SOME = select(_e.user_id).where(_e.user_id.in_(["ada", "bob"])).order_by(_e.user_id)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def test_rows_have_the_same_values_and_types_each_time(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(INSERT, {"rows": [("ada", NOON), ("bob", NOON)]})
        for _ in range(TIMES):
            result = await connection.execute(SELECT_SINCE, {"since": NOON.replace(hour=11)})
            assert [tuple(row) for row in result] == [(NOON, "ada"), (NOON, "bob")]
            assert (await connection.scalars(SELECT_SINCE, {"since": NOON})).all() == []
            assert (await connection.execute(SELECT_SOME)).scalars().all() == ["ada", "bob"]

    await database.run_write(work)


async def test_what_is_inserted_is_told_each_time(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        for name in ("ada", "bob", "cyd"):
            row = (await connection.execute(INSERT_AND_TELL, {"rows": [(name, NOON)]})).one()
            assert (row.user_id, row.erased_at) == (name, NOON)

    await database.run_write(work)


async def test_a_statement_that_is_refused_is_told_as_by_sqlalchemy_without_its_values(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        for name in ("ada", "bob", "cyd"):
            await connection.execute(INSERT, {"rows": [(name, NOON)]})
            with pytest.raises(DBAPIError) as refusal:
                async with connection.begin_nested():
                    await connection.execute(INSERT, {"rows": [(name, NOON)]})
            assert NOON.isoformat() not in str(refusal.value.params)
        assert (await connection.execute(SELECT_SINCE, {"since": NOON.replace(hour=1)})).all()

    await database.run_write(work)


async def test_statements_put_together_for_one_use_are_run_like_any(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await connection.execute(INSERT, {"rows": [("ada", NOON)]})
        for limit in range(1, TIMES + 1):
            assert (await connection.execute(select(_e.user_id).limit(limit))).scalar_one() == "ada"

    await database.run_write(work)


async def test_a_value_that_is_null_stays_so(database: Database) -> None:
    columns = [c for c in lms_inbox.c if c.name not in ("reason", "event_id")]
    rows = json_rows("rows", *columns)
    fill = insert(lms_inbox).from_select([c.name for c in columns], select(*rows.c)).returning(lms_inbox.c.user_id)

    async def work(connection: AsyncConnection) -> None:
        for number in range(TIMES):
            row = ("test", str(number), "told", "news", "{}", NOON, "parked", None)
            assert (await connection.execute(fill, {"rows": [row]})).scalar_one() is None

    await database.run_write(work)
