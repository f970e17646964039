"""Rows 3 and 4: a million events as NDJSON, posted and imported, against the same rows inserted by the driver."""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import raw, servers
from benchmarks.bench import Bench
from benchmarks.check import COUNT_LOG, check_all
from benchmarks.databases import Kind
from benchmarks.datasets import events_file, imported
from benchmarks.ndjson import bodies
from benchmarks.result import Figure, Goal, Result, same

BODY_LINES = 5_000
CLIENTS = 4
POST_TIMEOUT_SEC = 600


def run(bench: Bench, number: str) -> Iterator[Result]:
    """Row 3 on SQLite, row 4 on PostgreSQL; each posts and imports."""
    if number == "3":
        kind, against, goal = Kind.SQLITE, "sqlite3 executemany", Goal("x", 0.4, 0.6, at_least=True)
    else:
        kind, against, goal = Kind.POSTGRESQL, "asyncpg unnest", Goal("x", 0.3, 0.6, at_least=True)
    events = bench.million.events
    limit = raw_seconds(bench, kind)
    ours = {"NDJSON POST": posted(bench, kind), "import": imported(bench, kind, bench.million).run.seconds}
    for work, seconds in ours.items():
        yield Result(
            number,
            f"{work} of {events:,} events, {kind}",
            f"{events / seconds:,.0f}/s",
            f"{events / limit:,.0f}/s, {against}",
            (Figure(limit / seconds, goal),),
        )


def raw_seconds(bench: Bench, kind: Kind) -> float:
    """How long the driver takes for the same rows, which are at hand before."""
    bench.say(f"inserting {bench.million.events:,} rows past the product, {kind}")
    store = bench.databases.new(kind)
    if kind is Kind.SQLITE:
        seconds = raw.insert_sqlite(store, list(raw.sqlite_rows(bench.million)))
    else:
        seconds = asyncio.run(raw.insert_postgresql(store, raw.postgresql_batches(bench.million)))
    same("rows inserted", store.number(COUNT_LOG), bench.million.events)
    bench.databases.drop(store)
    return seconds


def posted(bench: Bench, kind: Kind) -> float:
    """How long the server takes from the first request to the last answer."""
    file = events_file(bench, bench.million)
    store = bench.databases.new(kind)
    with servers.product(store) as url:
        bench.say(f"posting {bench.million.events:,} events, {kind}")
        started = time.perf_counter()
        accepted = post_all(url, file)
        seconds = time.perf_counter() - started
    same("events accepted", accepted, bench.million.events)
    check_all(store, bench.million)
    bench.databases.drop(store)
    return seconds


def post_all(url: str, file: Path, status: int = HTTPStatus.OK) -> int:
    """Posts the file, a body after the other on each of a few connections. How many events were accepted.

    Raises WrongResult for an answer of another `status`.
    """
    texts = list(bodies(file, BODY_LINES))
    with ThreadPoolExecutor(CLIENTS) as clients:
        return sum(clients.map(lambda client: post_some(url, texts[client::CLIENTS], status), range(CLIENTS)))


def post_some(url: str, texts: list[bytes], status: int) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=POST_TIMEOUT_SEC)
    accepted = 0
    for text in texts:
        connection.request("POST", "/v1/events", text, {"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        said = answer.read()
        same(f"status, of {said[:200]!r}", answer.status, status)
        accepted += json.loads(said)["accepted"]
    connection.close()
    return accepted
