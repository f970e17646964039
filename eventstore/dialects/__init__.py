"""All that SQLite and PostgreSQL do differently, as capabilities. No other module knows which of them it talks to.

Statements elsewhere are written once, in SQLAlchemy Core, with the pieces below where the two part ways.
"""

import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    Uuid,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, Insert
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.engine.url import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeDecorator, TypeEngine

from eventstore.errors import FieldError, InvalidInput
from eventstore.times import from_text, to_text

SUPPORTED = "sqlite:///FILE or postgresql://…"
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

SQLITE_PAGE_CACHE_KIB = 65_536
SQLITE_CHECKPOINT_PAGES = 4_000
SQLITE_BUSY_TIMEOUT_SEC = 10
SQLITE_WAL_ATTEMPTS = 100
SQLITE_WAL_PAUSE_SEC = 0.01
WRITES = "lms_writes"
PUBLISH_LOCK = 5_270_401
"""The key of PostgreSQL's advisory lock that appenders share and publishers take alone."""

REPLAY_LOCK = 5_270_402
"""The key of the one that a running replay holds."""

TRANSIENT_SQLSTATES = ("08", "40", "53", "55P03", "57", "58", "XX")
"""Lost connections, deadlocks, no space or memory or connections left, locks, shutdown, the disk, the server itself."""

LASTING_ERRORNAMES = ("SQLITE_ERROR", "SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE")
"""SQLite's names for what is the statement's or the data's fault; all others are trouble that will pass."""

insert = Insert
"""INSERT with ON CONFLICT and RETURNING: PostgreSQL's words, which SQLite took over."""

Seq = BigInteger().with_variant(Integer(), "sqlite")
"""Counts events. SQLite fills an INTEGER primary key from its rowid, and only that."""

Id = Uuid(as_uuid=False).with_variant(Text(), "sqlite")
"""A UUID as text: 16 bytes on PostgreSQL, 36 readable characters on SQLite."""

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that rows are found and ordered by: everywhere in the order of code points, which is Python's too."""

JsonText = JSON().with_variant(Text(), "sqlite")
"""JSON text, kept to the letter. The engine passes it through unread."""


class UtcTime(TypeDecorator[datetime]):
    """An instant: TIMESTAMP WITH TIME ZONE on PostgreSQL, text of one width on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return to_text(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        return from_text(value) if isinstance(value, str) else value


class later(GenericFunction[Any]):  # noqa: N801
    """The larger of two values, neither of them NULL."""

    inherit_cache = True


@compiles(later)
def _later(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    name = "max" if compiler.dialect.name == "sqlite" else "greatest"
    return f"{name}({compiler.process(element.clauses, **kw)})"


class unindexed(GenericFunction[Any]):  # noqa: N801
    """A column's value, and no reason to read by an index of it: SQLite, which does not count, would guess."""

    inherit_cache = True


@compiles(unindexed)
def _unindexed(element: unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    sign = "+" if compiler.dialect.name == "sqlite" else ""
    return f"{sign}{compiler.process(element.clauses, **kw)}"


class utc_day(GenericFunction[Any]):  # noqa: N801
    """The UTC day of an instant, as dates are kept."""

    type = Date()
    inherit_cache = True


@compiles(utc_day)
def _utc_day(element: utc_day, compiler: SQLCompiler, **kw: Any) -> str:
    instant = compiler.process(element.clauses, **kw)
    sqlite = compiler.dialect.name == "sqlite"
    return f"substr({instant}, 1, 10)" if sqlite else f"CAST({instant} AT TIME ZONE 'UTC' AS DATE)"


def unnest_json(dialect: Dialect, rows: str, columns: Sequence[tuple[str, str]]) -> str:
    """A subselect of the (name, type) `columns` from the SQL expression `rows`, a JSON array of arrays."""
    if dialect.name == "sqlite":
        fields = ", ".join(f"value ->> {i} AS {name}" for i, (name, _) in enumerate(columns))
        return f"(SELECT {fields} FROM json_each({rows}))"  # noqa: S608
    fields = ", ".join(f"(r.e ->> {i})::{kind} AS {name}" for i, (name, kind) in enumerate(columns))
    return f"(SELECT {fields} FROM jsonb_array_elements(CAST({rows} AS JSONB)) AS r(e))"  # noqa: S608


def database_url(url: str) -> URL:
    """`url` with the driver that we use. Raises InvalidInput for a database that we do not."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput([FieldError("LMS_DATABASE_URL", SUPPORTED, "no URL")]) from None  # it may hold a password
    backend = parsed.get_backend_name()
    if backend not in DRIVERS or (backend == "sqlite" and parsed.database in (None, "", ":memory:")):
        raise InvalidInput([FieldError("LMS_DATABASE_URL", SUPPORTED, parsed.render_as_string())])
    return parsed.set(drivername=DRIVERS[backend])


def create_engine(url: str, pool_size: int) -> AsyncEngine:
    """An engine whose write transactions take SQLite's write lock when they begin."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        check_folder(parsed.database or "")
        return sqlite_engine(parsed, pool_size)
    return create_async_engine(
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


def sqlite_engine(url: URL, pool_size: int) -> AsyncEngine:
    connect_args = {"timeout": SQLITE_BUSY_TIMEOUT_SEC, "uri": True}
    engine = create_async_engine(url, pool_size=pool_size, connect_args=connect_args, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def check_folder(file: str) -> None:
    """SQLite would only say that it is unable to open the file."""
    if not Path(file).parent.is_dir():
        raise InvalidInput([FieldError("LMS_DATABASE_URL", "a file in a folder that exists", file)])


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: see _begin_sqlite
    cursor = connection.cursor()
    _use_wal(cursor)
    for pragma in (
        "synchronous = FULL",
        f"cache_size = -{SQLITE_PAGE_CACHE_KIB}",
        f"wal_autocheckpoint = {SQLITE_CHECKPOINT_PAGES}",
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


def _begin_sqlite(connection: Connection) -> None:
    """A writer that began as a reader could find its snapshot stale and fail; IMMEDIATE waits its turn instead."""
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def lock_courses(connection: AsyncConnection, *, alone: bool) -> None:
    """Until the transaction ends, no course is published (shared), or nothing appended either (`alone`).

    On SQLite the write lock, which the transaction has already, serves for both.
    """
    if connection.dialect.name == "postgresql":
        function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        await connection.execute(text(f"SELECT {function}({PUBLISH_LOCK})"))


def is_transient(error: BaseException) -> bool:
    """Whether the same statement may well succeed later: it is the database's trouble and not the data's."""
    if isinstance(error, OSError | TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(TRANSIENT_SQLSTATES)
    errorname = getattr(error.orig, "sqlite_errorname", None)
    if errorname is not None:
        return not errorname.startswith(LASTING_ERRORNAMES)
    return error.connection_invalidated or type(error.orig).__name__ in {"OperationalError", "InterfaceError"}


def is_clash(error: BaseException) -> bool:
    """Whether the database ended this transaction for another one's sake (a deadlock)."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", "")).startswith("40")


def one_snapshot(dialect: Dialect) -> dict[str, Any]:
    """Options by which all reads of a transaction see the same state; on SQLite they do anyway."""
    if dialect.name == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def has_one_writer(dialect: Dialect) -> bool:
    """Whether only one transaction can write at a time, so that writers had better queue in order."""
    return dialect.name == "sqlite"


class LogKeys(NamedTuple):
    """How the log's `seq` counts, and the log's keys."""

    seq: tuple[Identity, ...]
    constraints: tuple[SchemaItem, ...]


def log_keys(dialect: Dialect) -> LogKeys:
    """SQLite keys the log by its rowid; PostgreSQL begins with user_id, so that it can distribute by it."""
    if dialect.name == "sqlite":
        return LogKeys((), (PrimaryKeyConstraint("seq"), UniqueConstraint("user_id", "event_id")))
    by_seq = Index("lms_event_by_seq", "seq")
    return LogKeys((Identity(),), (PrimaryKeyConstraint("user_id", "event_id"), by_seq))


def hours_ago(dialect: Dialect, hours: int) -> str:
    """SQL text for the instant so many hours before now, as a view's definition needs it."""
    if dialect.name == "sqlite":
        return f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{hours} hours')"
    return f"(now() - interval '{hours} hours')"


def append_only(dialect: Dialect, table: str, key: tuple[str, str], *, erasable: bool = False) -> list[str]:
    """DDL by which the database itself refuses UPDATE and DELETE on `table`.

    `erasable` tables give way to the DELETE of a learner who stands in lms_erasure. SQLite's INSERT OR REPLACE
    deletes the row of the same `key` without asking its triggers: there it is left as it is.
    """
    erased = "EXISTS (SELECT 1 FROM lms_erasure WHERE user_id = OLD.user_id)" if erasable else "false"
    if dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        same_key = " AND ".join(f"{column} = NEW.{column}" for column in key)
        one = f"SELECT 1 FROM {table} WHERE"  # noqa: S608 - no input, names of ours
        known = f"EXISTS ({one} rowid = NEW.rowid) OR EXISTS ({one} {same_key})"
        return [
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {known} BEGIN SELECT RAISE(IGNORE); END",
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT {erased} {refuse}",
        ]
    function = (
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND {erased} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    refuse = f"EXECUTE FUNCTION {table}_refuse()"
    return [
        function,
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}",
    ]
