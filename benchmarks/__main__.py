"""Runs rows, all of them or those that are named, and prints the table: `make bench ROWS="1 5" SCALE=0.1`."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks.bench import Bench
from benchmarks.databases import databases
from benchmarks.report import report
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
    "8": "memory",
    "7": "reads",
}
"""The module of each row, in the order in which they are run: what one makes, those after it use."""

Row = Callable[[Bench, str], Iterator[Result]]
"""Measures the row of that number on a Bench, checks what came of it, and yields its lines."""


def main(numbers: Sequence[str], scale: float) -> None:
    """Prints the table; that of all rows at full scale is kept as RESULTS.md. Ends with 1 if a row failed."""
    unknown = set(numbers) - set(ROWS)
    if unknown:
        sys.exit(f"expected rows of {', '.join(sorted(ROWS))}, found {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # by which everything is cleaned up
    started = time.monotonic()
    results: list[Result] = []
    failures: list[str] = []
    with databases() as stores:
        bench = Bench(stores, scale)
        for number in [number for number in ROWS if number in numbers or not numbers]:
            measure(bench, number, results, failures)
            if not numbers and scale == 1:  # after every row, so that a run that is cut off leaves what it has
                RESULTS.write_text(report(results, failures, time.monotonic() - started))
    print(table(results), notes(results), *failures, sep="\n")
    sys.exit(1 if failures else 0)


def measure(bench: Bench, number: str, results: list[Result], failures: list[str]) -> None:
    """Adds the lines of a row, and why there are no more of them."""
    print(f"row {number}", file=sys.stderr, flush=True)
    row = cast("Row", import_module(f"benchmarks.rows.{ROWS[number]}").run)
    try:
        for result in row(bench, number):
            bench.say(f"{result.work}: {result.ours}, against {result.against}")
            results.append(result)
    except Exception as error:
        failures.append(f"Row {number} failed: {type(error).__name__}: {error}")
        bench.say(failures[-1])
    results.sort(key=lambda result: result.row)


if __name__ == "__main__":
    main(sys.argv[1:], float(os.environ.get("SCALE") or 1))
