"""What the log says of some learners: the rows that the derived tables must have for them.

Pure, and made of the pieces that live processing is made of, so that the two cannot differ.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table

from engine.parking.park import ALL_RULES, retry_id
from engine.projecting.project import row
from eventstore.event import Event
from eventstore.tables import lms_learner, lms_progress, lms_retry, lms_signal, lms_xp
from projections.fold import fold
from projections.progress import EMPTY, Progress, merge
from signals.course_catalog import CourseCatalog
from signals.derive import MIN_INSTANT, derive
from signals.signal import Signal
from signals.xp import XpDelta, XpValues, sum_xp

Key = tuple[str, ...]
"""A row's key; the learner comes first."""

Values = tuple[Any, ...]
"""The rest of a row: the columns of its shape's `values`."""

Rows = dict[Key, Values]


class DerivedTable(NamedTuple):
    """A derived table of learners: the columns of its key, and those whose values follow from the log."""

    table: Table
    key: tuple[str, ...]
    values: tuple[str, ...]


def shape(table: Table, *history: str) -> DerivedTable:
    """The table's shape; columns that are `history` follow from nothing and are left alone."""
    key = tuple(table.primary_key.columns.keys())
    return DerivedTable(table, key, tuple(name for name in table.c.keys() if name not in {*key, *history}))  # noqa: SIM118


PROGRESS = shape(lms_progress)
SIGNAL = shape(lms_signal)
XP = shape(lms_xp)
LEARNER = shape(lms_learner)
RETRY = shape(lms_retry, "attempts", "parked_at", "next_attempt_at", "last_error", "status")
SHAPES = (PROGRESS, SIGNAL, XP, LEARNER, RETRY)

EventKey = tuple[str, str]
"""(user_id, event_id)"""

Derived = dict[DerivedTable, Rows]
"""The rows of each derived table."""


@dataclass
class LearnerState:
    """What the log has on one learner: progress by class, and the (event_id, rule) that failed."""

    events: int = 0
    last_activity_at: datetime = MIN_INSTANT
    progress: dict[str, Progress] = field(default_factory=dict)
    failed: set[tuple[str, str]] = field(default_factory=set)


def apply_events(
    evidence: dict[str, LearnerState], events: Sequence[Event], refused: Collection[EventKey] = ()
) -> None:
    """Adds what these events say to the `evidence` on their learners. The same in any order and any parts.

    Those among them that the database `refused` to have projected are counted, and parked until a retry.
    """
    for event in events:
        theirs = evidence.setdefault(event.user_id, LearnerState())
        theirs.events += 1
        theirs.last_activity_at = max(theirs.last_activity_at, event.occurred_at)
        if event.key in refused:
            theirs.failed.add((event.event_id, ALL_RULES))
    folded = fold(event for event in events if event.key not in refused)
    for (user_id, class_id), proved in folded.progress.items():
        progress = evidence[user_id].progress
        progress[class_id] = merge(progress.get(class_id, EMPTY), proved)
    for failure in folded.failures:
        evidence[failure.event.user_id].failed.add((failure.event.event_id, failure.rule))


def expected_rows(evidence: Mapping[str, LearnerState], courses: CourseCatalog, worth: XpValues) -> Derived:
    """All rows that follow for these learners. One without events has none."""
    tables: Derived = {shape: {} for shape in SHAPES}
    for user_id, theirs in evidence.items():
        signals = list(signals_of(user_id, theirs.progress, courses))
        tables[LEARNER][user_id,] = (theirs.last_activity_at,)
        tables[PROGRESS].update(progress_rows(user_id, theirs.progress, courses))
        tables[SIGNAL].update(signal_rows(signals, worth))
        tables[XP].update(xp_rows(signals, worth))
        tables[RETRY].update(retry_rows(user_id, theirs.failed))
    return tables


def signals_of(user_id: str, progress: Mapping[str, Progress], courses: CourseCatalog) -> Iterator[Signal]:
    """All signals of a learner: of each class, and of each course with one of them."""
    return derive(user_id, progress, progress, courses.with_classes(progress))


def progress_rows(
    user_id: str, progress: Mapping[str, Progress], courses: CourseCatalog
) -> Iterator[tuple[Key, Values]]:
    for class_id, proved in progress.items():
        shown = row((user_id, class_id), proved, courses)
        yield (user_id, class_id), (shown.course_id, *shown.progress)


def signal_rows(signals: Iterable[Signal], worth: XpValues) -> Iterator[tuple[Key, Values]]:
    for signal in signals:
        values = (signal.type, signal.class_id, signal.course_id, signal.occurred_at, worth[signal.type])
        yield (signal.user_id, signal.signal_id), values


def xp_rows(signals: Iterable[Signal], worth: XpValues) -> Iterator[tuple[Key, Values]]:
    for place, xp in sum_xp(XpDelta(signal, worth[signal.type]) for signal in signals).items():
        yield (place.user_id, *place.board), (xp,)


def retry_rows(user_id: str, failed: Iterable[tuple[str, str]]) -> Iterator[tuple[Key, Values]]:
    for event_id, rule in failed:
        yield (user_id, retry_id(user_id, event_id, rule)), (event_id, rule)
