"""Rows 1 and 2: single events of distinct learners, by 64 connections, against an app that does nothing."""

from collections.abc import Iterator

from benchmarks import servers, wrk
from benchmarks.bench import Bench
from benchmarks.check import COUNT_LOG, check_verify
from benchmarks.databases import Kind, Store
from benchmarks.result import Figure, Goal, Result, between
from benchmarks.wrk import CONNECTIONS, Load

ROUND_SEC = 8.0
ROUNDS = 2
WARM_UP_SEC = 1.0


def run(bench: Bench, number: str) -> Iterator[Result]:
    """Row 1 on SQLite, row 2 on PostgreSQL with two processes."""
    if number == "1":
        kind, options, goal = Kind.SQLITE, [], Goal("x", 0.15, 0.25, at_least=True)
    else:
        kind, options, goal = Kind.POSTGRESQL, ["--workers", "2"], Goal("x", 0.10, 0.20, at_least=True)
    limit, ours = measured(bench, kind, *options)
    yield Result(
        number,
        f"single POST, {kind}{', 2 processes' if options else ''}",
        f"{ours.rate:,.0f}/s",
        f"{limit.rate:,.0f}/s, empty uvicorn app",
        (Figure(ours.rate / limit.rate, goal),),
        (f"latency p50 {ours.p50:.1f} ms, p99 {ours.p99:.1f} ms at {CONNECTIONS} connections",),
    )


def top_rate(bench: Bench) -> float:
    """Single POSTs a second that row 1 measures."""
    return measured(bench, Kind.SQLITE)[1].rate


def measured(bench: Bench, kind: Kind, *options: str) -> tuple[Load, Load]:
    """What the empty app does and what the product does, in turns so that both meet the same noise."""
    return bench.once(("single POST", kind), lambda: _measure(bench, kind, *options))


def _measure(bench: Bench, kind: Kind, *options: str) -> tuple[Load, Load]:
    store = bench.databases.new(kind)
    seconds = bench.seconds(ROUND_SEC)
    bench.calm()
    with servers.empty() as empty, servers.product(store, *options) as product:
        events = f"{product}/v1/events"
        limits, ours = [], [wrk.post(events, WARM_UP_SEC, 0)]
        for number in range(1, ROUNDS + 1):
            bench.say(f"single POST, {kind}: round {number} of {ROUNDS}")
            limits.append(wrk.post(empty, seconds, number))
            ours.append(wrk.post(events, seconds, number))
    check(store, ours)
    return together(limits), together(ours[1:])


def check(store: Store, loads: list[Load]) -> None:
    """The log holds what was acknowledged, and what was under way when wrk hung up, at most; all of it is projected."""
    acknowledged = sum(load.requests for load in loads)
    events = store.number(COUNT_LOG)
    between("events in the log", events, acknowledged, acknowledged + len(loads) * CONNECTIONS)
    for what in ("lms_progress", "lms_learner"):
        between(f"rows of {what}", store.number(f"SELECT count(*) FROM {what}"), events, events)  # noqa: S608
    check_verify(store)


def together(loads: list[Load]) -> Load:
    """Rounds as one: what was answered in all, latencies of the worst."""
    return Load(
        sum(load.requests for load in loads),
        sum(load.seconds for load in loads),
        max(load.p50 for load in loads),
        max(load.p99 for load in loads),
    )
