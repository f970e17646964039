"""New databases of both kinds for a run, all gone after it. What a commit promises here, it keeps: fsync is on."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from benchmarks.data import courses
from bootstrap.settings import Settings
from cli.engine_session import ready_engine
from eventstore.db.connect import SQLITE_PAGE_CACHE_KIB
from eventstore.db.sqlite.wal_index import LOG_PAGES
from signals.course_input import CourseBody
from tests.support.postgres import PostgresServer, postgres_server

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
max_connections = 100
shared_buffers = 2GB
effective_cache_size = 8GB
work_mem = 64MB
maintenance_work_mem = 512MB
max_wal_size = 8GB
checkpoint_timeout = 15min
"""
"""As an operator would set it on a machine of 8 GB and more; whatever is about durability is as PostgreSQL ships."""


class Kind(StrEnum):
    """The two databases."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


class Store(NamedTuple):
    """One database: `url` is what LMS_DATABASE_URL takes."""

    kind: Kind
    url: str

    @property
    def file(self) -> Path:
        """SQLite's file."""
        return Path(self.url.removeprefix("sqlite:///"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives, asked past the product."""
        if self.kind is Kind.SQLITE:
            with closing(self.connect()) as connection:
                return connection.execute(query).fetchall()
        return asyncio.run(self._fetch(query))

    def number(self, query: str) -> int:
        """What a query gives that gives one number."""
        return int(self.rows(query)[0][0])

    def connect(self) -> sqlite3.Connection:
        """A connection to SQLite, set up as the product sets up its own; transactions are the caller's."""
        connection = sqlite3.connect(self.file, isolation_level=None)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"cache_size = -{SQLITE_PAGE_CACHE_KIB}",
            f"wal_autocheckpoint = {LOG_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def settle(self) -> None:
        """Has the database do what it would by and by, so that a fill does not disturb whoever measures after it."""
        if self.kind is Kind.SQLITE:
            with closing(self.connect()) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for statement in ("VACUUM ANALYZE", "CHECKPOINT"):
                self.rows(statement)

    async def _fetch(self, query: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()


class Databases:
    """Makes them. PostgreSQL is started when it is first asked for."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._server: PostgresServer | None = None
        self._templates: dict[Kind, Store] = {}
        self._made = 0

    def new(self, kind: Kind) -> Store:
        """One at the current schema, with the courses published: a copy of one that is made once."""
        if kind not in self._templates:
            self._templates[kind] = self._empty(kind)
            asyncio.run(publish_courses(self._templates[kind]))
        template = self._templates[kind]
        if kind is Kind.POSTGRESQL:
            return Store(kind, self._postgres().create_database(template.url.rpartition("/")[2]))
        store = self._empty(kind)
        shutil.copy(template.file, store.file)
        return store

    def drop(self, store: Store) -> None:
        """Removes one that is of no more use: the large ones would fill the disk."""
        if store.kind is Kind.SQLITE:
            for file in store.file.parent.glob(f"{store.file.name}*"):
                file.unlink()
        else:
            self._postgres().drop_database(store.url)

    def _empty(self, kind: Kind) -> Store:
        if kind is Kind.POSTGRESQL:
            return Store(kind, self._postgres().create_database())
        self._made += 1
        return Store(kind, f"sqlite:///{self.folder}/{self._made}.db")

    def _postgres(self) -> PostgresServer:
        if self._server is None:
            self._server = self._stack.enter_context(postgres_server(SETTINGS))
        return self._server


async def publish_courses(store: Store) -> None:
    """Brings a new database to the current schema, and publishes the courses."""
    async with ready_engine(Settings(database_url=store.url)) as engine:
        for course in courses():
            body = CourseBody(title=course["title"], steps=course["steps"])
            await engine.publish(course["course_id"], body.title, body.to_steps())
        await engine.run_pending_work()


@contextmanager
def databases() -> Iterator[Databases]:
    """They are gone at the end of the block, however it ends."""
    folder = Path(tempfile.mkdtemp(prefix="lms-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield Databases(folder, stack)


def in_batches(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Slices of so many rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
