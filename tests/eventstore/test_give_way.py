"""Giving way: the event loop lets a transaction's statements go first, but not for long."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.database import Database
from eventstore.db.sqlite import writer_thread
from tests.conftest import opened


async def test_who_gives_way_goes_on_when_the_statements_are_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_thread, "HEAD_START_SEC", 60)
    began, goes_on, done = threading.Event(), threading.Event(), threading.Event()

    async def statements(_: AsyncConnection) -> None:
        began.set()
        goes_on.wait()
        done.set()

    async with opened(sqlite(tmp_path)) as database:
        writing = await under_way(database, statements, began)
        threading.Timer(0.02, goes_on.set).start()
        database.yield_to_writer()
        assert done.is_set()
        await writing


async def test_nobody_gives_way_for_long_and_only_once_to_the_same_statements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on = threading.Event(), threading.Event()

    async def statements(_: AsyncConnection) -> None:
        began.set()
        goes_on.wait()

    async with opened(sqlite(tmp_path)) as database:
        writing = await under_way(database, statements, began)
        database.yield_to_writer()
        monkeypatch.setattr(writer_thread, "HEAD_START_SEC", threading.TIMEOUT_MAX)
        database.yield_to_writer()
        goes_on.set()
        await writing


async def test_where_connections_do_not_block_there_is_nothing_to_wait_for(database: Database) -> None:
    database.yield_to_writer()


def sqlite(folder: Path) -> str:
    return f"sqlite:///{folder / 'test.db'}"


async def under_way(
    database: Database, statements: "writer_thread.Work[None]", began: threading.Event
) -> "asyncio.Task[None]":
    """A transaction of which the statements are being executed."""
    writing = asyncio.create_task(database.run_write(statements))
    await asyncio.to_thread(began.wait)
    return writing
