"""Compile the rules of one event type to SQL expressions.

An event is handled in SQL only if its version is exactly one of the newest major that we know, its payload is valid for
that version's model, and every condition has a definite answer; all others are left to the Python fold. Only fields
that a rule reads, and fields that are new in a minor version, are validated again: the rest was validated at ingest.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, case, column, false, true
from sqlalchemy.sql import visitors

from eventstore.db import UtcTime, decimal_ge
from eventstore.event_type import EventType, major
from eventstore.tables import lms_event
from projections.progress import EMPTY, FIELDS
from projections.rule import Rule
from projections.sql_fold.expressions import is_sql_translatable
from projections.sql_fold.payload_columns import Field, fields

_e = lms_event.c

SQL_FIELDS = {field.name for field in FIELDS if field.join.has_aggregate}
"""The fields that SQL can join. A rule that proves another one runs in Python."""

of_type: ColumnElement[Any] = column("type")
of_version: ColumnElement[Any] = column("version")
occurred_at: Any = column("occurred_at", UtcTime)


class CompiledRules(NamedTuple):
    """The compiled rules of one event type.

    `raw_columns`: payload fields as text. `values`: the typed fields. `is_valid`: whether the payload meets its model
    (NULL for other types). `is_foldable`: whether SQL may handle the event. `undecidable`: conditions that are NULL
    where only Python can decide. `assignments`: progress column to expression.
    """

    raw_columns: list[ColumnElement[Any]]
    values: list[ColumnElement[Any]]
    is_valid: ColumnElement[Any]
    is_foldable: ColumnElement[bool]
    undecidable: list[ColumnElement[Any]]
    assignments: dict[str, ColumnElement[Any]]


def compile_rules(event_type: EventType, rules: Sequence[Rule]) -> CompiledRules:
    """Compile `rules`, all for `event_type`. If one of them cannot be translated, the whole type is left to Python."""
    if not all(is_sql_translatable(rule.apply) for rule in rules):
        return _not_compiled(event_type)
    versions = _versions(event_type)
    payload = _Payload(event_type.name, fields(event_type.versions[event_type.newest]))
    proves: dict[str, ColumnElement[Any]] = {}
    for rule in rules:
        proved = rule.apply(payload, occurred_at)
        own = {
            name: expression for name, expression in proved._asdict().items() if expression is not getattr(EMPTY, name)
        }
        if payload.unreadable or own.keys() & proves.keys() or own.keys() - SQL_FIELDS:
            return _not_compiled(event_type)
        proves |= own
    return _compiled(payload, versions, proves)


def _not_compiled(event_type: EventType) -> CompiledRules:
    payload = _Payload(event_type.name, {})
    return CompiledRules([], [payload.of_its_type(false())], payload.held, payload.held == true(), [], {})


class _Payload:
    """Stands for a payload whose fields are columns, and records which fields a rule reads."""

    def __init__(self, type_name: str, fields: dict[str, Field]) -> None:
        self.prefix = type_name.lower()
        self.type_name = type_name
        self.fields = fields
        self.read: dict[str, Field] = {}
        self.unreadable = False

    def __getattr__(self, name: str) -> ColumnElement[Any]:
        field = self.fields[name]
        self.read[name] = field
        self.unreadable |= not field.readable
        return self.value(field)

    def value(self, field: Field) -> ColumnElement[Any]:
        return column(f"{self.prefix}_{field.name}", field.value(column("")).type)

    def text(self, field: Field) -> ColumnElement[Any]:
        return column(f"{self.prefix}_{field.name}_text")

    @property
    def held(self) -> ColumnElement[Any]:
        return column(f"{self.prefix}_held")

    def of_its_type(self, held: ColumnElement[Any]) -> ColumnElement[Any]:
        return case((of_type == self.type_name, held)).label(self.held.name)


def _compiled(
    payload: _Payload, versions: dict[str, dict[str, Field]], proves: dict[str, ColumnElement[Any]]
) -> CompiledRules:
    first, *later = versions
    checked = payload.read | {
        name: field
        for version in later
        for name, field in versions[version].items()
        if field != versions[first].get(name)
    }
    texts = [_text(payload, field, [v for v in versions if name not in versions[v]]) for name, field in checked.items()]
    news = {name: field for name, field in checked.items() if field != versions[first].get(name)}
    checks = [
        (of_version == v, and_(true(), *(f.holds(payload.text(f)) for f in news.values() if f in versions[v].values())))
        for v in later
    ]
    held = case((of_version == first, true()), *checks, else_=false())
    values = [field.value(payload.text(field)).label(payload.value(field).name) for field in payload.read.values()]
    present = [payload.value(field).is_not(None) for field in payload.read.values() if not field.optional]
    return CompiledRules(
        texts,
        [*values, payload.of_its_type(held)],
        payload.held,
        and_(payload.held == true(), *present),
        list(_conditions(proves.values())),
        proves,
    )


def _text(payload: _Payload, field: Field, lacking: Iterable[str]) -> ColumnElement[Any]:
    """Return the field's text, and NULL for other types and `lacking` versions, as reading it is slow."""
    asked = and_(_e.type == payload.type_name, *(_e.version != version for version in lacking))
    return case((asked, field.raw())).label(payload.text(field).name)


def _versions(event_type: EventType) -> dict[str, dict[str, Field]]:
    """Return the versions of the newest major that SQL can validate, oldest first, with their fields."""
    newest = major(event_type.newest)
    models = {version: model for version, model in event_type.versions.items() if major(version) == newest}
    first = next(iter(models.values()))
    return {version: fields(model) for version, model in models.items() if _validators(model) == _validators(first)}


def _validators(model: type[BaseModel]) -> set[str]:
    """Return the validators that a model implements in Python, which SQL cannot run."""
    own = model.__pydantic_decorators__
    return {*own.model_validators, *own.field_validators}


def _conditions(proved: Iterable[ColumnElement[Any]]) -> Iterator[ColumnElement[Any]]:
    for expression in proved:
        yield from (part for part in visitors.iterate(expression) if isinstance(part, decimal_ge))
