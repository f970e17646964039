"""SQLite's log is copied into the file while transactions go on, so neither it nor a commit grows without end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.replay.shadow_tables import open_shadow
from eventstore.db import insert
from eventstore.db.json_rows import json_rows
from eventstore.db.sqlite.checkpoints import LEAST_ROWS, MOST_ROWS, PASS_COMMITS, Checkpointer
from projections.tables import lms_xp
from tests.conftest import opened

TRANSACTIONS = 24

_x = lms_xp.c
_rows = json_rows("rows", _x.user_id, _x.course_id, _x.period, _x.xp)
INSERT = insert(lms_xp).from_select(["user_id", "course_id", "period", "xp"], select(*_rows.c))


async def test_the_log_stays_within_bounds_under_transactions_that_follow_each_other(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.db.sqlite.wal_index.LOG_PAGES", 100)
    url = new_sqlite()
    file = Path(url.removeprefix("sqlite:///"))
    sizes: list[int] = []

    async with opened(url) as database:
        for number in range(TRANSACTIONS):
            await database.run_write(partial(fill, number=number))
            sizes.append(await asyncio.to_thread(size, Path(f"{file}-wal")))

    assert max(sizes) < 4 * size(file)  # a transaction changes every page; there were many


@pytest.mark.parametrize(
    ("rows_a_commit", "commits_a_pass"),
    [
        (1, LEAST_ROWS),
        (LEAST_ROWS // PASS_COMMITS, PASS_COMMITS),
        (MOST_ROWS // PASS_COMMITS - 1, PASS_COMMITS),
        (MOST_ROWS // 2, 2),
        (MOST_ROWS, 1),
        (20 * MOST_ROWS, 1),
    ],
)
def test_a_pass_begins_after_some_commits_or_many_rows_but_not_for_a_few(
    monkeypatch: pytest.MonkeyPatch, rows_a_commit: int, commits_a_pass: int
) -> None:
    passes: list[int] = []
    commits = 0
    checkpointer = Checkpointer("none")
    monkeypatch.setattr(checkpointer, "_checkpoint", lambda: passes.append(commits))

    for commits in range(1, 3 * commits_a_pass + 1):
        checkpointer.after_commit(commits * rows_a_commit)
        if passes_under_way := checkpointer._pass:
            passes_under_way.result()
    checkpointer.close()

    assert passes == [commits_a_pass, 2 * commits_a_pass, 3 * commits_a_pass]


def test_no_pass_begins_while_one_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    let, begun = Event(), []
    checkpointer = Checkpointer("none")
    monkeypatch.setattr(checkpointer, "_checkpoint", lambda: begun.append(let.wait()))

    first = checkpointer.start()
    assert checkpointer.start() is first
    let.set()
    first.result()
    assert checkpointer.start() is not first
    checkpointer.close()

    assert begun == [True, True]


async def test_what_is_brought_is_copied_beside(new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Checkpointer] = []
    original = Checkpointer.start

    def begin(self: Checkpointer) -> Future[None]:
        begun.append(self)
        return original(self)

    monkeypatch.setattr(Checkpointer, "start", begin)

    async with opened(new_sqlite()) as database, open_shadow(database, "some") as tables:
        before = len(begun)
        await tables.shadow.publish(tables.copying.write_without_course_lock, [lms_xp])
        assert len(begun) - before == 1 + len(lms_xp.indexes)


def size(file: Path) -> int:
    return file.stat().st_size


async def fill(connection: AsyncConnection, number: int) -> None:
    """As many rows as make a pass due, at no order in the index."""
    rows = [(f"{(number * MOST_ROWS + row) * 2654435761 % 2**32:08x}", "", "all", row) for row in range(MOST_ROWS)]
    await connection.execute(INSERT, {"rows": rows})
