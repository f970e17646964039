"""A row that is measured anew takes the place of the one before, and the table tells of all rows that were measured."""

from pathlib import Path

import pytest

from benchmarks import kept
from benchmarks.report import measured_now, report
from benchmarks.result import Figure, Goal, Result

pytestmark = pytest.mark.slow

GOAL = Goal("x", 0.5, 1.0, at_least=True)


def result(row: str, value: float) -> Result:
    return Result(row, f"work of row {row}", "ours", "theirs", (Figure(value, GOAL),), ("a note",))


def test_a_row_is_kept_until_it_is_measured_anew(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.json"

    kept.keep(measured_now("5", [result("5", 0.2)], ["Row 5 failed"]), file)
    kept.keep(measured_now("1", [result("1", 0.7)], []), file)
    rows = kept.keep(measured_now("5", [result("5", 0.6)], []), file)

    assert rows == kept.read(file)
    assert [(row.row, row.results[0].figures[0].value, list(row.failures)) for row in rows] == [
        ("1", 0.7, []),
        ("5", 0.6, []),
    ]


def test_the_table_has_all_rows_that_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.json"
    kept.keep(measured_now("5", [result("5", 0.2)], ["Row 5 failed: why\nand where"]), file)

    page = report(kept.keep(measured_now("1", [result("1", 0.7)], []), file))

    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("|")]
    assert cells[2:] == [
        ["1", "work of row 1", "ours", "theirs", "0.7 x", "≥ 0.5 x", "≥ 1 x", "yes"],
        ["5", "work of row 5", "ours", "theirs", "0.2 x", "≥ 0.5 x", "≥ 1 x", "NO"],
    ]
    assert "- Row 5 failed: why\n" in page
    assert page.count("- Python ") == 1
