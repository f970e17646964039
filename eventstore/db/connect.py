"""Connecting: which databases there are, and how a connection to each is set up."""

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
"""Has COMMIT wait for the disk, also where the server, the database or the role says that it need not.

Whatever else is set there waits for the disk, and for standbys as the operator chose: it stays, until the session ends.
"""


def database_url(url: str) -> URL:
    """`url` with the driver that we use. Raises InvalidInput for a database that we do not."""
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
    """Has what a connection to that database needs be imported, and opens none."""
    database_url(url).get_dialect().import_dbapi()


def create_engine(url: str, pool_size: int) -> AsyncEngine:
    """An engine whose write transactions take SQLite's write lock when they begin."""
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
        hide_parameters=True,  # errors are logged and kept, and what learners did is nobody's to read there
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
    """An engine whose connections are set up as all to SQLite are. `pool`: what SQLAlchemy asks of its pool."""
    connect_args = {"timeout": SQLITE_BUSY_TIMEOUT_SEC, "uri": True}
    engine = create_async_engine(url, connect_args=connect_args, hide_parameters=True, **pool)
    event.listen(engine.sync_engine, "connect", set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "invalidate", _let_go)
    return engine


def check_folder(file: str) -> None:
    """SQLite would only say that it is unable to open the file."""
    if not Path(file).parent.is_dir():
        raise InvalidInputError([FieldError("LMS_DATABASE_URL", "a file in a folder that exists", file)])


def set_up_sqlite(connection: Any, _record: object = None) -> None:
    """What each connection to SQLite is told first: how durable, how much memory."""
    connection.isolation_level = None  # we say BEGIN ourselves: see _begin_sqlite
    cursor = connection.cursor()
    _use_wal(cursor)
    for pragma in (
        "synchronous = FULL",
        "fullfsync = ON",  # what macOS calls fsync leaves the data in the drive's cache; elsewhere this means nothing
        f"cache_size = -{SQLITE_PAGE_CACHE_KIB}",
        f"wal_autocheckpoint = {pages_of_log(_file(cursor))}",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """SQLite waits for other locks, but not when another process makes the same new file a WAL: so we do."""
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
    """The file of the database that the connection is to."""
    cursor.execute("PRAGMA database_list")
    return str(cursor.fetchone()[2])


def _begin_sqlite(connection: Connection) -> None:
    """A writer that began as a reader could find its snapshot stale and fail; IMMEDIATE waits its turn instead."""
    begin = "BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN"
    cursor = connection.connection.cursor()  # past SQLAlchemy, which takes 50 µs to get there
    try:
        cursor.execute(begin)
    except sqlite3.Error as error:
        raise DBAPIError.instance(begin, None, error, sqlite3.Error, hide_parameters=True) from error
    finally:
        cursor.close()


def _let_go(connection: Any, _record: object, _error: object) -> None:
    """What is closed amid reading stays open until its cursor is gone, which an error's traceback can hold for long.

    A connection is so closed when its task is cancelled: it would keep the write lock.
    """
    with suppress(sqlite3.Error, ValueError):  # it may be closed already
        connection.rollback()
