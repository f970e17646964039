"""Every benchmark still runs and finds right what it measured, at a size too small for its figures to mean anything."""

import shutil
from collections.abc import Iterator
from importlib import import_module
from typing import cast

import pytest

from benchmarks.__main__ import ROWS, Row
from benchmarks.bench import Bench
from benchmarks.databases import databases
from benchmarks.program import PEERS
from benchmarks.table import table
from tests.support import missing_service
from tests.support.postgres import find_binaries

pytestmark = pytest.mark.slow

SMALLEST = 1e-6
LINES = {"1": 1, "4": 2, "5": 4, "6": 2, "7": 14, "8": 3, "9": 1, "10": 2, "11": 2}
"""Some row of every module, and how many lines it has in the table."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """What all rows measure with. They make each other's databases."""
    if find_binaries() is None:
        missing_service("no PostgreSQL server")
    with databases() as stores:
        yield Bench(stores, SMALLEST)


def test_every_module_is_tried() -> None:
    assert {ROWS[number] for number in LINES} == set(ROWS.values())


@pytest.mark.parametrize("number", LINES)
def test_a_row_runs(bench: Bench, number: str) -> None:
    if number in {"1", "9"} and shutil.which("wrk") is None:
        missing_service("no wrk")
    if number == "6" and not PEERS.exists():
        missing_service("no libraries to measure against")

    results = list(cast("Row", import_module(f"benchmarks.rows.{ROWS[number]}").run)(bench, number))

    assert len(results) == LINES[number]
    lines = table(results).splitlines()[2:]
    assert [line.split()[1] for line in lines] == [number] * LINES[number]
