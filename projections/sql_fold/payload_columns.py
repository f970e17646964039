"""Payload fields as columns: which fields of an event type the database can read, and of which events it may.

It may where reading them is what reading the event in the newest shape would give, whatever the payload says.
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
    """A field as the JSON Schema of its version has it: what kind of value, and whether it may be absent."""

    name: str
    schema: Schema
    optional: bool

    @property
    def kind(self) -> str:
        """`number`, `boolean`, `string`, or what the database is not asked to read."""
        return str(self.schema.get("type"))

    def raw(self) -> ColumnElement[Any]:
        """The field as text: a string's own, JSON of anything else."""
        name: ColumnElement[Any] = literal_column(f"'{self.name}'")
        return json_text(_e.payload, name) if self.kind == "string" and self.readable else json_field(_e.payload, name)

    def value(self, raw: ColumnElement[Any]) -> ColumnElement[Any]:
        """The value that the text says; NULL if it says none of the kind."""
        if self.kind == "number":
            return plain_number(raw)
        if self.kind == "boolean":
            return case((raw == "true", True), (raw == "false", False)).cast(Boolean)
        return raw

    @property
    def readable(self) -> bool:
        """Whether the database can read it: of a string that may be absent, it could not tell what else is there."""
        return self.kind in ("number", "boolean") or (self.kind == "string" and not self.optional)

    def holds(self, raw: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the text is what the schema asks for; of what the database cannot read, whether it is absent."""
        held = and_(self.value(raw).is_not(None), *self._bounds(self.value(raw))) if self.readable else false()
        return or_(raw.is_(None), raw == "null", held) if self.optional else held

    def _bounds(self, value: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
        if "exclusiveMinimum" in self.schema:
            yield value > self.schema["exclusiveMinimum"]
        if "maximum" in self.schema:
            yield value <= self.schema["maximum"]


def fields(model: type[BaseModel]) -> dict[str, Field]:
    """The fields of a version's model."""
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return {name: Field(name, _present(said), name not in required) for name, said in schema["properties"].items()}


def _present(schema: Schema) -> Schema:
    """What the schema says of a value that is not null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema
