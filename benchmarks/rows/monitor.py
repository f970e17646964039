"""Row 11: what students did on a platform, taken in by one `monitor --once`, against no more than copying it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import asyncpg
from pydantic_core import to_json

from benchmarks.bench import Bench
from benchmarks.check import COUNT_LOG, check_verify
from benchmarks.databases import SETTINGS, Kind, Store
from benchmarks.platform_data import ACTIVITIES, fill, mapping
from benchmarks.result import Figure, Goal, Result, WrongResultError, same
from tests.support.platform import Platform, example_platform
from tests.support.postgres import postgres_server
from tests.support.processes import command

RATE = Goal("/s", 5_000, 10_000, at_least=True)
ROWS, STUDENTS = 20_000, 5_000
PAGE = 1_000

Copied = tuple[str, str, str]
"""An activity's id, its student's, and all that its row says as JSON text."""

COUNT_ACTIVITIES = "SELECT count(*) FROM lms_activity"
"""How many activities were taken in."""

CREATE = "CREATE TABLE copied (id TEXT PRIMARY KEY, student_id TEXT NOT NULL, body TEXT NOT NULL)"
"""The one table that plain copying writes."""

INSERT_POSTGRESQL = "INSERT INTO copied SELECT * FROM unnest($1::text[], $2::text[], $3::text[])"
INSERT_SQLITE = "INSERT INTO copied VALUES (?, ?, ?)"
"""Rows of it."""


def run(bench: Bench, number: str) -> Iterator[Result]:
    """On PostgreSQL and on SQLite; the platform is on a server of its own."""
    rows, mapping_file = bench.count(ROWS), bench.folder / "mapping.toml"
    mapping_file.write_text(mapping())
    activities = rows * sum(ACTIVITIES.values())
    with postgres_server(SETTINGS) as server, example_platform(server) as platform:
        fill(platform, rows, bench.count(STUDENTS))
        for kind in (Kind.POSTGRESQL, Kind.SQLITE):
            bench.say(f"copying {activities:,} activities past the product, {kind}")
            limit = asyncio.run(copy(platform, bench.databases.new(kind)))
            bench.say(f"monitoring the same, {kind}")
            seconds = monitored(bench.databases.new(kind), platform, rows, LMS_MAPPING_FILE=str(mapping_file))
            yield Result(
                number,
                f"monitor --once of {activities:,} activities, {kind}",
                f"{activities / seconds:,.0f}/s",
                f"{activities / limit:,.0f}/s, copied into one table",
                (Figure(activities / seconds, RATE),),
            )


def monitored(store: Store, platform: Platform, rows: int, **settings: str) -> float:
    """The seconds from the start of the command to its end. Raises WrongResult unless all is taken in."""
    started = time.perf_counter()
    done = command("monitor", "--once", LMS_DATABASE_URL=store.url, **platform.settings, **settings)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise WrongResultError(f"monitor ended with {done.returncode}:\n{done.stderr[-2000:]}")
    same("activities", store.number(COUNT_ACTIVITIES), rows * sum(ACTIVITIES.values()))
    same("events in the log", store.number(COUNT_LOG), rows * len(ACTIVITIES))
    check_verify(store)
    return seconds


async def copy(platform: Platform, store: Store) -> float:
    """The seconds that it takes to read the rows by pages, and to write a JSON text for each of their activities."""
    started = time.perf_counter()
    if store.kind is Kind.SQLITE:
        with closing(store.connect()) as connection:
            connection.execute(CREATE)
            async for copied in pages(platform):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(INSERT_SQLITE, copied)
                connection.execute("COMMIT")
    else:
        target = await asyncpg.connect(store.url)
        await target.execute(CREATE)
        async for copied in pages(platform):
            await target.execute(INSERT_POSTGRESQL, *zip(*copied, strict=True))
        await target.close()
    return time.perf_counter() - started


async def pages(platform: Platform) -> AsyncIterator[Sequence[Copied]]:
    source = await asyncpg.connect(platform.url)
    for table, number in ACTIVITIES.items():
        query = f"SELECT * FROM {table} WHERE (updated_at, id) > ($1, $2) ORDER BY updated_at, id LIMIT {PAGE}"  # noqa: S608
        rows: list[Any] = await source.fetch(query, datetime(1970, 1, 1, tzinfo=UTC), 0)
        while rows:
            yield [copied(table, row, step) for row in rows for step in range(number)]
            rows = await source.fetch(query, rows[-1]["updated_at"], rows[-1]["id"])
    await source.close()


def copied(table: str, row: Any, step: int) -> Copied:
    return f"{table}/{row['id']}/{step}", str(row["student_id"]), to_json(dict(row), fallback=str).decode()
