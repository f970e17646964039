"""The diff of a derived table and the rows expected from the log, by row and field."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from engine.verify.expected_rows import Key, Rows, Values
from eventstore.errors import shorten_repr as shortened
from eventstore.times import to_text

ROW = "row"
NO_ROW = "no row"
"""Stands in place of a field where a whole row is missing or superfluous."""


class Difference(NamedTuple):
    """A field or a whole row that differs. `expected` and `found` are texts for people."""

    table: str
    key: Key
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        key = "/".join(part if part and part.isprintable() else repr(part) for part in self.key)
        return f"{self.table} {key} {self.field}: expected {self.expected}, found {self.found}"


class TableDiff(NamedTuple):
    """The diff of one table: missing rows, changed rows (with their present values), and superfluous rows."""

    missing: Rows
    changed: dict[Key, tuple[Values, Values]]
    surplus: Rows

    @property
    def rows(self) -> int:
        """The number of rows that differ."""
        return len(self.missing) + len(self.changed) + len(self.surplus)


def compare(expected: Rows, found: Rows) -> TableDiff:
    """Return how `found` differs from `expected`."""
    return TableDiff(
        missing={key: expected[key] for key in expected.keys() - found.keys()},
        changed={
            key: (expected[key], found[key]) for key in expected.keys() & found.keys() if expected[key] != found[key]
        },
        surplus={key: found[key] for key in found.keys() - expected.keys()},
    )


def differences(table: str, columns: Sequence[str], diff: TableDiff) -> Iterator[Difference]:
    """Return each difference, in the order of the keys. `columns` name the values of a row."""
    for key in sorted({*diff.missing, *diff.changed, *diff.surplus}):
        if key in diff.missing:
            yield Difference(table, key, ROW, format_row(columns, diff.missing[key]), NO_ROW)
        elif key in diff.surplus:
            yield Difference(table, key, ROW, NO_ROW, format_row(columns, diff.surplus[key]))
        else:
            for column, expected, found in zip(columns, *diff.changed[key], strict=True):
                if expected != found:
                    yield Difference(table, key, column, format_value(expected), format_value(found))


def format_row(columns: Sequence[str], values: Values) -> str:
    """Format a row as text."""
    said = [
        f"{column} {format_value(value)}" for column, value in zip(columns, values, strict=True) if value is not None
    ]
    return f"a row ({', '.join(said)})"


def format_value(value: object) -> str:
    """Format a value as one line of text."""
    if value is None:
        return "nothing"
    if isinstance(value, datetime):
        return to_text(value)
    return shortened(str(value)) if isinstance(value, str) else str(value)
