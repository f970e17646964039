"""Drift: where the derived tables differ from what the log says, row by row and field by field."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from engine.verify.expected_rows import Key, Rows, Values
from eventstore.errors import shorten_repr as shortened
from eventstore.times import to_text

ROW = "row"
NO_ROW = "no row"
"""What stands in the place of a field where a whole row is missing, or is one too many."""


class Difference(NamedTuple):
    """One thing that differs: a field, or a whole row. `expected` and `found` are words for people."""

    table: str
    key: Key
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        key = "/".join(part if part and part.isprintable() else repr(part) for part in self.key)
        return f"{self.table} {key} {self.field}: expected {self.expected}, found {self.found}"


class TableDiff(NamedTuple):
    """How one table differs: rows to be there, rows to be otherwise (and how they are), rows not to be there."""

    missing: Rows
    changed: dict[Key, tuple[Values, Values]]
    surplus: Rows

    @property
    def rows(self) -> int:
        """How many rows differ."""
        return len(self.missing) + len(self.changed) + len(self.surplus)


def compare(expected: Rows, found: Rows) -> TableDiff:
    """How `found` differs from `expected`."""
    return TableDiff(
        missing={key: expected[key] for key in expected.keys() - found.keys()},
        changed={
            key: (expected[key], found[key]) for key in expected.keys() & found.keys() if expected[key] != found[key]
        },
        surplus={key: found[key] for key in found.keys() - expected.keys()},
    )


def differences(table: str, columns: Sequence[str], drift: TableDiff) -> Iterator[Difference]:
    """Each difference by itself, in the order of the keys. `columns` are those of the rows' values."""
    for key in sorted({*drift.missing, *drift.changed, *drift.surplus}):
        if key in drift.missing:
            yield Difference(table, key, ROW, format_row(columns, drift.missing[key]), NO_ROW)
        elif key in drift.surplus:
            yield Difference(table, key, ROW, NO_ROW, format_row(columns, drift.surplus[key]))
        else:
            for column, expected, found in zip(columns, *drift.changed[key], strict=True):
                if expected != found:
                    yield Difference(table, key, column, format_value(expected), format_value(found))


def format_row(columns: Sequence[str], values: Values) -> str:
    """A row, by what it says."""
    said = [
        f"{column} {format_value(value)}" for column, value in zip(columns, values, strict=True) if value is not None
    ]
    return f"a row ({', '.join(said)})"


def format_value(value: object) -> str:
    """A value as a line of text shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, datetime):
        return to_text(value)
    return shortened(str(value)) if isinstance(value, str) else str(value)
