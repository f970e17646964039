"""Connecting: the supported databases, and how a connection to each is set up."""

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from eventstore.db.sqlite.wal_index import pages_of_log
from eventstore.errors import FieldError, InvalidInputError

SUPPORTED = "sqlite:///FILE or postgresql://…"
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
SQLITE_PAGE_CACHE_KIB = 65_536
SQLITE_BUSY_TIMEOUT_SEC = 10
SQLITE_WAL_ATTEMPTS = 100
SQLITE_WAL_PAUSE_SEC = 0.01
WRITES = "lms_writes"

COMMIT_DURABLY = """
    SELECT set_config('synchronous_commit', CASE was WHEN 'off' THEN 'on' ELSE was END, false)
    FROM current_setting('synchronous_commit') AS was
"""
"""Makes COMMIT wait for the disk, even if the server, the database or the role turned that off.

Other values that wait for the disk or for standbys stay as the operator set them.
"""


def database_url(url: str) -> URL:
    """Return `url` with our driver. Raise InvalidInputError for an unsupported database."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInputError(
            [FieldError("LMS_DATABASE_URL", SUPPORTED, "no URL")]
        ) from None  # it may hold a password
    backend = parsed.get_backend_name()
    if backend not in DRIVERS or (backend == "sqlite" and parsed.database in (None, "", ":memory:")):
        raise InvalidInputError([FieldError("LMS_DATABASE_URL", SUPPORTED, parsed.render_as_string())])
    return parsed.set(drivername=DRIVERS[backend])


def import_driver(url: str) -> None:
    """Import the driver of that database without opening a connection."""
    database_url(url).get_dialect().import_dbapi()


def create_engine(url: str, pool_size: int) -> AsyncEngine:
    """Create an engine. On SQLite its write transactions take the write lock when they begin."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        check_folder(parsed.database or "")
        return sqlite_engine(parsed, pool_size=pool_size)
    engine = create_async_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        json_serializer=str,
        json_deserializer=str,
        hide_parameters=True,  # errors are logged and stored, and must not show learners' data
        connect_args={
            "timeout": 5,
            "server_settings": {"timezone": "UTC", "application_name": "lms-progress"},
        },
    )
    event.listen(engine.sync_engine, "connect", _set_up_postgresql)
    return engine


def _set_up_postgresql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(COMMIT_DURABLY)
    cursor.close()
    connection.commit()


def sqlite_engine(url: URL, **pool: Any) -> AsyncEngine:
    """Create an engine whose connections are all set up alike. `pool` holds options of SQLAlchemy's pool."""
    connect_args = {"timeout": SQLITE_BUSY_TIMEOUT_SEC, "uri": True}
    engine = create_async_engine(url, connect_args=connect_args, hide_parameters=True, **pool)
    event.listen(engine.sync_engine, "connect", set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "invalidate", _let_go)
    return engine


def check_folder(file: str) -> None:
    """Raise InvalidInputError for a missing folder, of which SQLite only says that it cannot open the file."""
    if not Path(file).parent.is_dir():
        raise InvalidInputError([FieldError("LMS_DATABASE_URL", "a file in a folder that exists", file)])


def set_up_sqlite(connection: Any, _record: object = None) -> None:
    """Set durability and memory of a new connection."""
    connection.isolation_level = None  # BEGIN is sent by _begin_sqlite
    cursor = connection.cursor()
    _use_wal(cursor)
    for pragma in (
        "synchronous = FULL",
        "fullfsync = ON",  # on macOS fsync leaves the data in the drive's cache; elsewhere this has no effect
        f"cache_size = -{SQLITE_PAGE_CACHE_KIB}",
        f"wal_autocheckpoint = {pages_of_log(_file(cursor))}",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Switch to WAL, and retry while another process switches the same new file: SQLite does not wait for that lock."""
    for attempts_left in reversed(range(SQLITE_WAL_ATTEMPTS)):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if not attempts_left:
                raise
            time.sleep(SQLITE_WAL_PAUSE_SEC)
        else:
            return


def _file(cursor: Any) -> str:
    """Return the file of the connection's database."""
    cursor.execute("PRAGMA database_list")
    return str(cursor.fetchone()[2])


def _begin_sqlite(connection: Connection) -> None:
    """Begin a transaction.

    A writer begins with IMMEDIATE, since a reader that starts to write may have a stale snapshot.
    """
    begin = "BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN"
    cursor = connection.connection.cursor()  # SQLAlchemy would take 50 µs for this
    try:
        cursor.execute(begin)
    except sqlite3.Error as error:
        raise DBAPIError.instance(begin, None, error, sqlite3.Error, hide_parameters=True) from error
    finally:
        cursor.close()


def _let_go(connection: Any, _record: object, _error: object) -> None:
    """Roll back an invalidated connection, as when its task is cancelled: else it would keep the write lock.

    A connection that is closed while it reads stays open as long as its cursor lives, which a traceback can hold.
    """
    with suppress(sqlite3.Error, ValueError):  # it may be closed already
        connection.rollback()
