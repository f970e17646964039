"""What rebuilding amounts to beyond the rows: in numbers, on the histogram, and in signals to announce. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from engine.verify.expected_rows import RETRY, SIGNAL, Derived, DerivedTable
from engine.verify.table_diff import TableDiff
from signals.signal import Signal, SignalType
from signals.xp import LeaderboardKey
from views.xp_histogram import XpBucket


class RepairResult(NamedTuple):
    """What a rebuild did, in numbers, and the learners whose rows the database refuses: they are as they were.

    `parked` is how many events, each by rule, cannot be projected now, whether they were parked before or not.
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


def count_changes(drifts: Mapping[DerivedTable, TableDiff], expected: Derived) -> RepairResult:
    """What mending these drifts does."""
    return RepairResult(
        signals_gained=len(drifts[SIGNAL].missing),
        signals_lost=len(drifts[SIGNAL].surplus),
        rows_differing=sum(drift.rows for drift in drifts.values()),
        parked=len(expected[RETRY]),
    )


def moves(drift: TableDiff) -> Counter[XpBucket]:
    """How many learners more, or fewer, have so much XP once `lms_xp` is mended."""
    learners: Counter[XpBucket] = Counter()
    found = drift.surplus | {key: found for key, (_, found) in drift.changed.items()}
    expected = drift.missing | {key: expected for key, (expected, _) in drift.changed.items()}
    for rows, number in ((found, -1), (expected, 1)):
        for (_, *board), (xp,) in rows.items():
            learners[XpBucket(LeaderboardKey(*board), xp)] += number
    return learners


def gained(drift: TableDiff) -> list[Signal]:
    """The signals that `lms_signal` lacks."""
    return [
        Signal(SignalType(kind), user_id, *identity) for (user_id, _), (kind, *identity, _) in drift.missing.items()
    ]
