"""Runs rows, all of them or those that are named, and prints the table: `make bench ROWS="1 5" SCALE=0.1`."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks import kept
from benchmarks.bench import Bench
from benchmarks.databases import databases
from benchmarks.report import measured_now, report
from benchmarks.result import Result
from benchmarks.table import notes, table

RESULTS = Path(__file__).with_name("RESULTS.md")

ROWS = {
    "1": "single_post",
    "2": "single_post",
    "3": "bulk",
    "4": "bulk",
    "5": "replay",
    "6": "peers",
    "9": "latency",
    "10": "front_log",
    "11": "monitor",
    "8": "memory",
    "7": "reads",
}
"""The module of each row, in the order in which they are run: what one makes, those after it use."""

Row = Callable[[Bench, str], Iterator[Result]]
"""Measures the row of that number on a Bench, checks what came of it, and yields its lines."""


def main(numbers: Sequence[str], scale: float) -> None:
    """Prints the table; what was measured at full scale is kept as RESULTS.md. Ends with 1 if a row failed."""
    unknown = set(numbers) - set(ROWS)
    if unknown:
        sys.exit(f"expected rows of {', '.join(sorted(ROWS, key=int))}, found {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # by which everything is cleaned up
    results: list[Result] = []
    failures: list[str] = []
    with databases() as stores:
        bench = Bench(stores, scale)
        for number in [number for number in ROWS if number in numbers or not numbers]:
            lines, failed = measure(bench, number)
            if scale == 1:  # after every row, so that a run that is cut off leaves what it has
                RESULTS.write_text(report(kept.keep(measured_now(number, lines, failed))))
            results = sorted([*results, *lines], key=lambda result: int(result.row))
            failures += failed
    print(table(results), notes(results), *failures, sep="\n")
    sys.exit(1 if failures else 0)


def measure(bench: Bench, number: str) -> tuple[list[Result], list[str]]:
    """The lines of a row, and why there are no more of them."""
    print(f"row {number}", file=sys.stderr, flush=True)
    row = cast("Row", import_module(f"benchmarks.rows.{ROWS[number]}").run)
    results: list[Result] = []
    try:
        for result in row(bench, number):
            bench.say(f"{result.work}: {result.ours}, against {result.against}")
            results.append(result)
    except Exception as error:
        bench.say(f"failed: {type(error).__name__}: {error}")
        return results, [f"Row {number} failed: {type(error).__name__}: {error}"]
    return results, []


if __name__ == "__main__":
    main(sys.argv[1:], float(os.environ.get("SCALE") or 1))
