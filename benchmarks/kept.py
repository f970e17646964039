"""What was measured at full scale, a row at a time: each stands in RESULTS.json until it is measured anew.

All rows take hours, so that a row that was changed can be measured alone, and the table still tells of all.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from benchmarks.result import Result

FILE = Path(__file__).with_name("RESULTS.json")


class Kept(NamedTuple):
    """A row as it was measured `at` some time, of a `commit`, on a `machine` with those `versions`.

    `failures` is why it has fewer lines than it should.
    """

    row: str
    at: datetime
    commit: str
    machine: str
    versions: Sequence[str]
    results: Sequence[Result]
    failures: Sequence[str]


_kept = TypeAdapter(list[Kept])


def read(file: Path = FILE) -> list[Kept]:
    """The rows by number."""
    return _kept.validate_json(file.read_bytes()) if file.exists() else []


def keep(row: Kept, file: Path = FILE) -> list[Kept]:
    """Puts the row in the place of what stood there. All rows by number."""
    rows = sorted([row, *(other for other in read(file) if other.row != row.row)], key=lambda kept: int(kept.row))
    file.write_bytes(_kept.dump_json(rows, indent=1) + b"\n")
    return rows


def now() -> datetime:
    """The time of measuring, to the minute."""
    return datetime.now(UTC).replace(second=0, microsecond=0)
