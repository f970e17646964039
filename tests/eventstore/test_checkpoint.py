"""SQLite's log is copied into the file while transactions go on, so neither it nor a commit grows without end."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.batch import batch
from eventstore.dialects import insert
from eventstore.dialects.checkpoint import PASS_ROWS
from eventstore.tables import lms_xp
from tests.conftest import opened

TRANSACTIONS = 24

_x = lms_xp.c
_rows = batch("rows", _x.user_id, _x.course_id, _x.period, _x.xp)
INSERT = insert(lms_xp).from_select(["user_id", "course_id", "period", "xp"], select(*_rows.c))


def test_the_log_stays_within_bounds_under_transactions_that_follow_each_other(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.dialects.log_index.LOG_PAGES", 100)
    url = new_sqlite()
    file = Path(url.removeprefix("sqlite:///"))
    sizes: list[int] = []

    async def scenario() -> None:
        async with opened(url) as database:
            for number in range(TRANSACTIONS):
                await database.transact(partial(fill, number=number))
                sizes.append(await asyncio.to_thread(size, Path(f"{file}-wal")))

    asyncio.run(scenario())
    assert max(sizes) < 4 * size(file)  # a transaction changes every page; there were many


def size(file: Path) -> int:
    return file.stat().st_size


async def fill(connection: AsyncConnection, number: int) -> None:
    """As many rows as make a pass due, at no order in the index."""
    rows = [(f"{(number * PASS_ROWS + row) * 2654435761 % 2**32:08x}", "", "all", row) for row in range(PASS_ROWS)]
    await connection.execute(INSERT, {"rows": rows})
