"""The rows that the derived tables must have for some learners, computed from the log.

This is pure, and uses the functions of live processing, so that the two cannot differ.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table

from engine.parking.park import ALL_RULES, retry_id
from engine.projecting.project import row
from eventstore.event import Event
from projections.fold import fold
from projections.progress import EMPTY, Progress, encode, merge
from projections.rule import Rule
from projections.rules import RULES
from projections.tables import lms_learner, lms_progress, lms_retry, lms_xp
from signals.course_catalog import CourseCatalog
from signals.derive import MIN_INSTANT, derive
from signals.signal import Signal
from signals.tables import lms_signal
from signals.xp import XpDelta, XpValues, sum_xp

Key = tuple[str, ...]
"""The key of a row; the learner comes first."""

Values = tuple[Any, ...]
"""The other compared columns of a row, in the order of the table's `values`."""

Rows = dict[Key, Values]


class DerivedTable(NamedTuple):
    """A derived table: its key columns, and the columns that verify compares."""

    table: Table
    key: tuple[str, ...]
    values: tuple[str, ...]


def shape(table: Table, *history: str) -> DerivedTable:
    """Describe a table for verify. `history` columns do not follow from the log, and are not compared."""
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
    """The folded log of one learner: progress by class, the last activity, and the (event_id, rule) of failures."""

    events: int = 0
    last_activity_at: datetime = MIN_INSTANT
    progress: dict[str, Progress] = field(default_factory=dict)
    failed: set[tuple[str, str]] = field(default_factory=set)


def apply_events(
    states: dict[str, LearnerState],
    events: Sequence[Event],
    refused: Collection[EventKey] = (),
    rules: Sequence[Rule] = RULES,
) -> None:
    """Add events to the states of their learners, in any order and any parts.

    Events in `refused`, whose projection the database rejected, are counted, and stay parked until a retry.
    """
    for event in events:
        theirs = states.setdefault(event.user_id, LearnerState())
        theirs.events += 1
        theirs.last_activity_at = max(theirs.last_activity_at, event.occurred_at)
        if event.key in refused:
            theirs.failed.add((event.event_id, ALL_RULES))
    folded = fold((event for event in events if event.key not in refused), rules)
    for (user_id, class_id), proved in folded.progress.items():
        progress = states[user_id].progress
        progress[class_id] = merge(progress.get(class_id, EMPTY), proved)
    for failure in folded.failures:
        states[failure.event.user_id].failed.add((failure.event.event_id, failure.rule))


def expected_rows(states: Mapping[str, LearnerState], courses: CourseCatalog, xp_values: XpValues) -> Derived:
    """Return all rows that follow. A learner without events has none."""
    tables: Derived = {shape: {} for shape in SHAPES}
    for user_id, theirs in states.items():
        signals = list(signals_of(user_id, theirs.progress, courses))
        tables[LEARNER][user_id,] = (theirs.last_activity_at,)
        tables[PROGRESS].update(progress_rows(user_id, theirs.progress, courses))
        tables[SIGNAL].update(signal_rows(signals, xp_values))
        tables[XP].update(xp_rows(signals, xp_values))
        tables[RETRY].update(retry_rows(user_id, theirs.failed))
    return tables


def signals_of(user_id: str, progress: Mapping[str, Progress], courses: CourseCatalog) -> Iterator[Signal]:
    """Return all signals of a learner: of each class, and of each course with one of them."""
    return derive(user_id, progress, progress, courses.with_classes(progress))


def progress_rows(
    user_id: str, progress: Mapping[str, Progress], courses: CourseCatalog
) -> Iterator[tuple[Key, Values]]:
    for class_id, proved in progress.items():
        shown = row((user_id, class_id), proved, courses)
        yield (user_id, class_id), (shown.course_id, *encode(shown.progress))


def signal_rows(signals: Iterable[Signal], xp_values: XpValues) -> Iterator[tuple[Key, Values]]:
    for signal in signals:
        values = (signal.type, signal.class_id, signal.course_id, signal.occurred_at, xp_values[signal.type])
        yield (signal.user_id, signal.signal_id), values


def xp_rows(signals: Iterable[Signal], xp_values: XpValues) -> Iterator[tuple[Key, Values]]:
    for place, xp in sum_xp(XpDelta(signal, xp_values[signal.type]) for signal in signals).items():
        yield (place.user_id, *place.leaderboard), (xp,)


def retry_rows(user_id: str, failed: Iterable[tuple[str, str]]) -> Iterator[tuple[Key, Values]]:
    for event_id, rule in failed:
        yield (user_id, retry_id(user_id, event_id, rule)), (event_id, rule)
