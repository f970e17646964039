"""SQLite's log may be long where its index has room from the start, and is short elsewhere."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore.db.connect import set_up_sqlite
from eventstore.db.sqlite.wal_index import BLOCK_BYTES, BLOCKS, LOG_PAGES, LOG_PAGES_OF_ONE_BLOCK, pages_of_log


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A database with a table, which somebody has open."""
    path = tmp_path / "lms.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE thing (name TEXT)")
    yield path
    connection.close()


def test_a_connection_takes_the_room_and_lets_the_log_grow(file: Path) -> None:
    connection = sqlite3.connect(file)
    set_up_sqlite(connection)
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (LOG_PAGES,)
    index = Path(f"{file}-shm").stat()
    assert index.st_size == BLOCKS * BLOCK_BYTES
    assert index.st_blocks * 512 >= BLOCKS * BLOCK_BYTES, "a hole would be no room"
    connection.close()


def test_what_is_in_the_index_stays(file: Path) -> None:
    writer, reader = sqlite3.connect(file), sqlite3.connect(file)
    writer.execute("INSERT INTO thing VALUES ('before')")
    writer.commit()
    assert pages_of_log(str(file)) == LOG_PAGES
    assert reader.execute("SELECT name FROM thing").fetchall() == [("before",)]
    writer.execute("INSERT INTO thing VALUES ('after')")
    assert reader.execute("SELECT count(*) FROM thing").fetchone() == (1,), "the locks are as they were"
    writer.commit()
    assert reader.execute("SELECT count(*) FROM thing").fetchone() == (2,)
    writer.close()
    reader.close()


def test_without_room_or_the_program_the_log_stays_short(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert pages_of_log(str(file)) == LOG_PAGES_OF_ONE_BLOCK
    assert pages_of_log(str(file.with_name("never opened"))) == LOG_PAGES_OF_ONE_BLOCK
