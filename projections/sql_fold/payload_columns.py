"""Payload fields as columns: which fields of an event type SQL can read.

SQL may read a field if the result is always the same as when Python reads the event in its newest shape.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel
from sqlalchemy import Boolean, ColumnElement, and_, case, false, literal_column, or_

from eventstore.db import json_field, json_text, plain_number
from eventstore.tables import lms_event

_e = lms_event.c

Schema = dict[str, Any]


class Field(NamedTuple):
    """A field by the JSON Schema of its version: the kind of value, and whether it may be absent."""

    name: str
    schema: Schema
    optional: bool

    @property
    def kind(self) -> str:
        """The kind of value: `number`, `boolean`, `string`, or another that SQL does not read."""
        return str(self.schema.get("type"))

    def raw(self) -> ColumnElement[Any]:
        """Return the field as text: a string as it is, any other value as JSON."""
        name: ColumnElement[Any] = literal_column(f"'{self.name}'")
        return json_text(_e.payload, name) if self.kind == "string" and self.readable else json_field(_e.payload, name)

    def value(self, raw: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the value of the text, or NULL if it is not of this kind."""
        if self.kind == "number":
            return plain_number(raw)
        if self.kind == "boolean":
            return case((raw == "true", True), (raw == "false", False)).cast(Boolean)
        return raw

    @property
    def readable(self) -> bool:
        """Whether SQL can read the field. It cannot tell an absent string from a value of another kind."""
        return self.kind in ("number", "boolean") or (self.kind == "string" and not self.optional)

    def holds(self, raw: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return whether the text meets the schema; for a field that SQL cannot read, whether it is absent."""
        held = and_(self.value(raw).is_not(None), *self._bounds(self.value(raw))) if self.readable else false()
        return or_(raw.is_(None), raw == "null", held) if self.optional else held

    def _bounds(self, value: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
        if "exclusiveMinimum" in self.schema:
            yield value > self.schema["exclusiveMinimum"]
        if "maximum" in self.schema:
            yield value <= self.schema["maximum"]


def fields(model: type[BaseModel]) -> dict[str, Field]:
    """Return the fields of a version's model."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return {
        name: Field(name, _present(definition), name not in required)
        for name, definition in schema["properties"].items()
    }


def _present(schema: Schema) -> Schema:
    """Return the schema of the value without null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema
