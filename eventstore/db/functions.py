"""SQL functions on columns and values that the two databases write differently."""

from typing import Any

from sqlalchemy import Boolean, Date, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class greatest(GenericFunction[Any]):  # noqa: N801
    """The larger of two values, neither of them NULL."""

    inherit_cache = True


@compiles(greatest)
def _later(element: greatest, compiler: SQLCompiler, **kw: Any) -> str:
    name = "max" if compiler.dialect.name == "sqlite" else "greatest"
    return f"{name}({compiler.process(element.clauses, **kw)})"


class no_index(GenericFunction[Any]):  # noqa: N801
    """A column that the SQLite planner must not use an index for (unary `+`).

    Without statistics it may pick a worse one.
    """

    inherit_cache = True


@compiles(no_index)
def _unindexed(element: no_index, compiler: SQLCompiler, **kw: Any) -> str:
    sign = "+" if compiler.dialect.name == "sqlite" else ""
    return f"{sign}{compiler.process(element.clauses, **kw)}"


class utc_day(GenericFunction[Any]):  # noqa: N801
    """The UTC day of an instant, as dates are stored."""

    type = Date()
    inherit_cache = True


@compiles(utc_day)
def _utc_day(element: utc_day, compiler: SQLCompiler, **kw: Any) -> str:
    instant = compiler.process(element.clauses, **kw)
    sqlite = compiler.dialect.name == "sqlite"
    return f"substr({instant}, 1, 10)" if sqlite else f"CAST({instant} AT TIME ZONE 'UTC' AS DATE)"


class trunc_int(GenericFunction[Any]):  # noqa: N801
    """The integer part of a number that is not negative."""

    type = Integer()
    inherit_cache = True


@compiles(trunc_int)
def _trunc_int(element: trunc_int, compiler: SQLCompiler, **kw: Any) -> str:
    number = compiler.process(element.clauses, **kw)
    return f"CAST({number} AS INTEGER)" if compiler.dialect.name == "sqlite" else f"CAST(floor({number}) AS INTEGER)"


class decimal_ge(GenericFunction[Any]):  # noqa: N801
    """Whether a >= b holds in decimals, by the arguments a, b and tolerance; NULL where binary values cannot tell.

    They can tell if both are whole, or differ by more than the tolerance.
    """

    type = Boolean()
    inherit_cache = True


@compiles(decimal_ge)
def _at_least(element: decimal_ge, compiler: SQLCompiler, **kw: Any) -> str:
    a, b, tolerance = (f"({compiler.process(number, **kw)})" for number in element.clauses)
    yes, no, whole = (
        ("1", "0", "CAST({} AS INTEGER)") if compiler.dialect.name == "sqlite" else ("true", "false", "floor({})")
    )
    are_whole = f"{a} = {whole.format(a)} AND {b} = {whole.format(b)}"
    more, less = f"{a} - {b} > {tolerance}", f"{b} - {a} > {tolerance}"
    return f"CASE WHEN {more} THEN {yes} WHEN {less} THEN {no} WHEN {are_whole} THEN {a} >= {b} END"
