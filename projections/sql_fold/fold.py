"""Folding in SQL: one statement applies the compiled rules to all events of a range of learners, and joins the results.

Events that SQL cannot decide are counted. The caller folds them in Python (`python_fold`) and merges both results.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Select,
    Table,
    and_,
    bindparam,
    case,
    column,
    func,
    not_,
    or_,
    select,
)

from eventstore.db import Name, Seq, UtcTime, no_index, optimization_fence, postgresql_fence
from eventstore.registry import EVENT_TYPES
from eventstore.tables import lms_event
from projections.progress import FIELDS, ProgressField
from projections.rule import Rule
from projections.sql_fold.compiler import CompiledRules, compile_rules
from projections.tables import lms_progress

_e = lms_event.c

PROVED = [field for field in FIELDS[1:] if field.join.has_aggregate]
"""The fields that rules prove and SQL can join. The course is the one that the event names."""

tmp_fold = Table(
    "lms_folded",
    MetaData(),
    Column("user_id", Name, nullable=False),
    Column("class_id", Name, nullable=False),
    Column("course_id", Name),
    *(Column(field.column, lms_progress.c[field.column].type) for field in PROVED),
    Column("events", Seq, nullable=False),
    Column("undecided", Seq, nullable=False),
    prefixes=["TEMPORARY"],
)
"""The temporary table of one connection's fold: progress, and the number of undecided events."""

_own: tuple[ColumnElement[Any], ...] = (
    column("user_id", Name),
    column("class_id", Name),
    column("course_id", Name),
    column("occurred_at", UtcTime),
)
"""The columns of every event."""


def select_fold(rules: Sequence[Rule]) -> Select[Any]:
    """Return the fold of learners with `after` < user_id <= `until` (NULL: no end), of events up to the seq `last`."""
    readings = [
        compile_rules(EVENT_TYPES[kind], [rule for rule in rules if rule.event_type == kind]) for kind in _types(rules)
    ]
    texts = postgresql_fence(
        select(_e.user_id, _e.class_id, _e.course_id, _e.occurred_at, _e.type, _e.version)
        .add_columns(*(text for reading in readings for text in reading.raw_columns))
        .where(_e.seq <= bindparam("last"), no_index(_e.user_id) > bindparam("after", type_=Name))
        .where(or_(bindparam("until", type_=Name).is_(None), no_index(_e.user_id) <= bindparam("until", type_=Name)))
    ).subquery()
    values = optimization_fence(
        select(*_own, *(value for reading in readings for value in reading.values)).select_from(texts)
    ).subquery()
    proves = (_proved(field, readings) for field in PROVED)
    return _joined(
        optimization_fence(select(*_own, *proves, _is_undecided(readings).label("undecided")).select_from(values))
    )


def _types(rules: Sequence[Rule]) -> list[str]:
    return sorted({rule.event_type for rule in rules})


def _proved(field: ProgressField, readings: Sequence[CompiledRules]) -> ColumnElement[Any]:
    """Return what an event proves of a field."""
    cases = [
        (reading.is_foldable, reading.assignments[field.name])
        for reading in readings
        if field.name in reading.assignments
    ]
    return case(*cases).label(field.column) if cases else null_column(field.column)


def null_column(name: str) -> ColumnElement[Any]:
    return func.nullif(1, 1).cast(lms_progress.c[name].type).label(name)


def _is_undecided(readings: Sequence[CompiledRules]) -> ColumnElement[int]:
    """Return 1 for an event that Python must fold, else 0."""
    undecided = [and_(reading.is_valid.is_not(None), _left(reading)) for reading in readings]
    return case((or_(*undecided), 1), else_=0)


def _left(reading: CompiledRules) -> ColumnElement[bool]:
    return or_(not_(reading.is_foldable), *(part.is_(None) for part in reading.undecidable))


def _joined(proved: Select[Any]) -> Select[Any]:
    p = proved.subquery().c
    joined = [field.join.aggregate(p[field.column]) for field in PROVED]
    values = [
        value if field.default is None else func.coalesce(value, field.default)
        for field, value in zip(PROVED, joined, strict=True)
    ]
    return select(
        p.user_id,
        p.class_id,
        FIELDS[0].join.aggregate(p.course_id),
        *values,
        func.count(),
        func.sum(p.undecided).cast(Integer),
    ).group_by(p.user_id, p.class_id)
