"""Joins: how two values of a progress field become one. Every join is associative, commutative and idempotent.

A field of `Progress` names its join in its annotation. To add a join, write a class with `merge`; with `column_type`,
`encode` and `decode` if the annotation's type is no column type, and with `aggregate` if SQL can fold it. Without an
aggregate, the field is folded in Python.
"""

from typing import Any, ClassVar

from sqlalchemy import ColumnElement, func
from sqlalchemy.types import TypeEngine


class Join:
    """The base of joins. The join of a value and None is the value, so `merge` gets two values."""

    has_aggregate: ClassVar[bool] = False
    """Whether SQL can join, by `aggregate`."""

    column_type: ClassVar[TypeEngine[Any] | None] = None
    """The type of the column; None to take it from the annotation."""

    def merge(self, a: Any, b: Any) -> Any:
        """Return the join of two values."""
        raise NotImplementedError

    def aggregate(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the join of a column as an SQL aggregate, which ignores NULL."""
        raise NotImplementedError

    def encode(self, value: Any) -> Any:
        """Return the value as it is stored. Equal values have equal encodings."""
        return value

    def decode(self, stored: Any) -> Any:
        """Return the value of a stored one."""
        return stored


class Min(Join):
    """The least value: the earliest time, the first id in code-point order."""

    has_aggregate = True

    def merge(self, a: Any, b: Any) -> Any:
        return min(a, b)

    def aggregate(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.min(column)


class Max(Join):
    """The greatest value: the furthest position, the best score."""

    has_aggregate = True

    def merge(self, a: Any, b: Any) -> Any:
        return max(a, b)

    def aggregate(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.max(column)
