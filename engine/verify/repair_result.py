"""The results of a repair besides the rows: counts, changes of the histogram, and signals to announce. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from engine.verify.expected_rows import RETRY, SIGNAL, Derived, DerivedTable
from engine.verify.table_diff import TableDiff
from projections.rollups.xp_histogram import XpBucket
from signals.signal import Signal, SignalType


class RepairResult(NamedTuple):
    """The counts of a repair, and the learners whose rows the database rejects, which are unchanged.

    `parked` is the number of events, by rule, that cannot be projected now, newly parked or not.
    """

    signals_gained: int = 0
    signals_lost: int = 0
    rows_differing: int = 0
    parked: int = 0
    refused: tuple[str, ...] = ()

    def plus(self, more: "RepairResult") -> "RepairResult":
        return RepairResult(
            self.signals_gained + more.signals_gained,
            self.signals_lost + more.signals_lost,
            self.rows_differing + more.rows_differing,
            self.parked + more.parked,
            self.refused + more.refused,
        )


def count_changes(diffs: Mapping[DerivedTable, TableDiff], expected: Derived) -> RepairResult:
    """Count what a repair of these diffs changes."""
    return RepairResult(
        signals_gained=len(diffs[SIGNAL].missing),
        signals_lost=len(diffs[SIGNAL].surplus),
        rows_differing=sum(diff.rows for diff in diffs.values()),
        parked=len(expected[RETRY]),
    )


def histogram_changes(diff: TableDiff) -> Counter[XpBucket]:
    """Return by how much the number of learners with each amount of XP changes."""
    learners: Counter[XpBucket] = Counter()
    found = diff.surplus | {key: found for key, (_, found) in diff.changed.items()}
    expected = diff.missing | {key: expected for key, (expected, _) in diff.changed.items()}
    for rows, number in ((found, -1), (expected, 1)):
        for (_, course_id, period), (xp,) in rows.items():
            learners[XpBucket(course_id, period, xp)] += number
    return learners


def gained_signals(diff: TableDiff) -> list[Signal]:
    """Return the signals that lms_signal lacks."""
    return [Signal(SignalType(kind), user_id, *identity) for (user_id, _), (kind, *identity, _) in diff.missing.items()]
