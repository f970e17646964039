"""Row 10: Kafka as the log in front: how fast one consumer appends what the topic is full of, and two of a group."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from benchmarks import servers
from benchmarks.bench import Bench
from benchmarks.check import COUNT_LOG, check_all
from benchmarks.data import Shape
from benchmarks.databases import Kind
from benchmarks.datasets import events_file
from benchmarks.result import Figure, Goal, Result, WrongResultError
from benchmarks.rows.bulk import post_all
from tests.support.kafka import KafkaServer, required_kafka
from tests.support.processes import command, consuming

OF_POST = Goal("x", 0.5, 1.0, at_least=True)
OF_ONE = Goal("x", 1.0, 1.5, at_least=True)
EVENTS, LEARNERS = 200_000, 5_000
LOOK_EVERY_SEC = 0.1
PATIENCE_SEC = 600


class Rates(NamedTuple):
    """Events a second: into Kafka by POST, and out of it into the database."""

    kept: float
    appended: float


def run(bench: Bench, number: str) -> Iterator[Result]:
    shape = Shape(bench.count(EVENTS), bench.count(LEARNERS), bench.million.until)
    file = events_file(bench, shape)
    posted = rate_of_post(bench, shape, file)
    with required_kafka() as kafka:
        command("topic", "create", KAFKA_BOOTSTRAP_SERVERS=kafka.servers)
        one, two = (measured(bench, kafka, shape, file, consumers) for consumers in (1, 2))
    work = f"append of {shape.events:,} events from Kafka, PostgreSQL"
    for rates, consumers, against, name, goal in (
        (one, "1 consumer", posted, "POST without Kafka", OF_POST),
        (two, "2 consumers", one.appended, "1 consumer", OF_ONE),
    ):
        yield Result(
            number,
            f"{work}, {consumers}",
            f"{rates.appended:,.0f}/s",
            f"{against:,.0f}/s, {name}",
            (Figure(rates.appended / against, goal),),
            (f"POST answers for {rates.kept:,.0f} events/s, which Kafka has then",),
        )


def rate_of_post(bench: Bench, shape: Shape, file: Path) -> float:
    """The same events posted to a server that appends them itself."""
    store = bench.databases.new(Kind.POSTGRESQL)
    with servers.product(store) as url:
        bench.say(f"posting {shape.events:,} events, {store.kind}")
        started = time.perf_counter()
        post_all(url, file)
        seconds = time.perf_counter() - started
    check_all(store, shape)
    bench.databases.drop(store)
    return shape.events / seconds


def measured(bench: Bench, kafka: KafkaServer, shape: Shape, file: Path, consumers: int) -> Rates:
    """Fills the topic, and has it emptied: counted from when all consumers are at work."""
    store = bench.databases.new(Kind.POSTGRESQL)
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka.servers}
    with servers.product(store, LMS_INGEST="kafka", **settings) as url:
        bench.say(f"posting {shape.events:,} events into Kafka")
        started = time.perf_counter()
        post_all(url, file, HTTPStatus.ACCEPTED)
        kept = shape.events / (time.perf_counter() - started)
    with ExitStack() as stack:
        bench.say(f"appending them, {consumers} consumer(s)")
        for _ in range(consumers):
            stack.enter_context(consuming("kafka", store.url, "--ingest", **settings))
        started, before = time.perf_counter(), store.number(COUNT_LOG)
        while store.number(COUNT_LOG) < shape.events:
            if time.perf_counter() - started > PATIENCE_SEC:
                raise WrongResultError(f"expected {shape.events} events within {PATIENCE_SEC} s")
            time.sleep(LOOK_EVERY_SEC)
        seconds = time.perf_counter() - started
    check_all(store, shape)
    bench.databases.drop(store)
    return Rates(kept, max(1, shape.events - before) / seconds)
