"""The two readings of a rule: of values, one event at a time, and of columns, by which the database folds many at once.

A rule whose body is made of these helpers, of arithmetic and of comparison is the same function in both.
"""

from collections.abc import Callable
from decimal import Decimal
from math import floor as floor_of_value
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case

from eventstore.db import decimal_ge, trunc_int

RuleBody = TypeVar("RuleBody", bound=Callable[..., object])

SAYABLE = "says_it_in_columns"

DOUBT = 1e-3
"""Floating point errs by less in a hundred times a value below 2**31."""


def sql_translatable(rule: RuleBody) -> RuleBody:
    """Marks a rule that can be read of columns, too. One without the mark is read of values alone."""
    setattr(rule, SAYABLE, True)
    return rule


def is_sql_translatable(rule: Callable[..., object]) -> bool:
    """Whether the rule has the mark."""
    return getattr(rule, SAYABLE, False)


def floor(value: Any) -> Any:
    """The whole part of a value that is not negative."""
    return trunc_int(value) if isinstance(value, ColumnElement) else floor_of_value(value)


def if_then(condition: Any, value: Any) -> Any:
    """The value if the condition holds, else None."""
    if isinstance(condition, ColumnElement):
        return case((condition, value))
    return value if condition else None


def ratio_at_least(part: Any, share: Decimal, whole: Any) -> Any:
    """Whether `part` >= `share` of `whole` in decimals, as they were written: in binary, 0.99 is less than 90 % of 1.1.

    Of columns, which are binary, it may be NULL, where only decimals can tell.
    """
    above, below = share.as_integer_ratio()
    if isinstance(part, ColumnElement):
        return decimal_ge(below * part, above * whole)
    difference = below * part - above * whole
    if abs(difference) > DOUBT:
        return difference > 0
    return Decimal(repr(part)) >= share * Decimal(repr(whole))
