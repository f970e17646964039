"""Helpers for rules that run twice: on Python values, and on SQLAlchemy expressions to compile them to SQL.

The body of such a rule uses only these helpers, arithmetic and comparison: no `if`, no `and`.
"""

from collections.abc import Callable
from decimal import Decimal
from math import floor as floor_of_value
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, literal_column

from eventstore.db import decimal_ge, trunc_int

RuleBody = TypeVar("RuleBody", bound=Callable[..., object])

MARK = "is_sql_translatable"
"""The attribute of a function that has the mark."""

TOLERANCE = 0.001
"""The bound of rounding errors in numbers below 2**38: a difference of floats that is larger is certain."""


def sql_translatable(rule: RuleBody) -> RuleBody:
    """Mark a rule as translatable to SQL. Rules without this mark always run in Python."""
    setattr(rule, MARK, True)
    return rule


def is_sql_translatable(rule: Callable[..., object]) -> bool:
    """Return whether the rule has the mark."""
    return getattr(rule, MARK, False)


def floor(value: Any) -> Any:
    """Return the integer part of a value that is not negative."""
    return trunc_int(value) if isinstance(value, ColumnElement) else floor_of_value(value)


def if_then(condition: Any, value: Any) -> Any:
    """Return the value if the condition holds, else None."""
    if isinstance(condition, ColumnElement):
        return case((condition, value))
    return value if condition else None


def ratio_at_least(part: Any, share: Decimal, whole: Any) -> Any:
    """Return whether `part` >= `share` of `whole` holds in decimals: in binary, 0.99 is less than 90 % of 1.1.

    For columns, which are binary, the result is NULL where only decimals can tell.
    """
    above, below = share.as_integer_ratio()
    if isinstance(part, ColumnElement):
        return decimal_ge(below * part, above * whole, literal_column(str(TOLERANCE)))
    difference = below * part - above * whole
    if abs(difference) > TOLERANCE:
        return difference > 0
    return Decimal(repr(part)) >= share * Decimal(repr(whole))
