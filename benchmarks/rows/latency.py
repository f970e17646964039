"""Row 9: how long a single POST takes at half of the rate that row 1 reached."""

from collections.abc import Iterator

from benchmarks import open_loop, servers
from benchmarks.bench import Bench
from benchmarks.check import COUNT_LOG, check_verify
from benchmarks.data import Shape, draw, line
from benchmarks.databases import Kind
from benchmarks.open_loop import Latencies, lateness, post
from benchmarks.result import Figure, Goal, Result, same
from benchmarks.rows.single_post import top_rate

GOAL = Goal("ms", 30, 10)
LEAST_RATE = 50.0
"""Where row 1 measured next to nothing, since its run was short and its machine busy."""

SECONDS = 15.0
WARM_UP_SEC = 2.0


def run(bench: Bench, number: str) -> Iterator[Result]:
    rate = max(LEAST_RATE, top_rate(bench) / 2)
    limit, ours = measured(bench, rate)
    yield Result(
        number,
        f"p99 of a single POST at {rate:,.0f}/s, SQLite",
        f"{ours.p99:.1f} ms",
        f"{limit.p99:.1f} ms, empty uvicorn app",
        (Figure(ours.p99, GOAL),),
        (f"p50 {ours.p50:.1f} ms; {lateness(ours)}",),
    )


def measured(bench: Bench, rate: float) -> tuple[Latencies, Latencies]:
    """The same load on the empty app, which shows what the sender itself adds, and on the product."""
    warm_up = round(rate * bench.seconds(WARM_UP_SEC))
    requests = single_posts(bench, warm_up + round(rate * bench.seconds(SECONDS)))
    store = bench.databases.new(Kind.SQLITE)
    bench.say(f"{len(requests):,} single POSTs at {rate:,.0f}/s")
    bench.calm()
    with servers.empty() as empty, servers.product(store) as product:
        limit = open_loop.ask(empty, requests[warm_up:], rate)
        open_loop.ask(product, requests[:warm_up], rate)
        ours = open_loop.ask(product, requests[warm_up:], rate)
    same("events in the log", store.number(COUNT_LOG), len(requests))
    check_verify(store)
    return limit, ours


def single_posts(bench: Bench, number: int) -> list[bytes]:
    """Requests of as many learners, one event each."""
    shape = Shape(number, number, bench.million.until)
    return [post("/v1/events", line(draw(shape, event)).strip()) for event in range(number)]
