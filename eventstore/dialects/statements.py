"""Pieces of statements that the two databases say in different words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Date
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

insert = Insert
"""INSERT with ON CONFLICT and RETURNING: PostgreSQL's words, which SQLite took over."""


class later(GenericFunction[Any]):  # noqa: N801
    """The larger of two values, neither of them NULL."""

    inherit_cache = True


@compiles(later)
def _later(element: later, compiler: SQLCompiler, **kw: Any) -> str:
    name = "max" if compiler.dialect.name == "sqlite" else "greatest"
    return f"{name}({compiler.process(element.clauses, **kw)})"


class unindexed(GenericFunction[Any]):  # noqa: N801
    """A column's value, and no reason to read by an index of it: SQLite, which does not count, would guess."""

    inherit_cache = True


@compiles(unindexed)
def _unindexed(element: unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    sign = "+" if compiler.dialect.name == "sqlite" else ""
    return f"{sign}{compiler.process(element.clauses, **kw)}"


class utc_day(GenericFunction[Any]):  # noqa: N801
    """The UTC day of an instant, as dates are kept."""

    type = Date()
    inherit_cache = True


@compiles(utc_day)
def _utc_day(element: utc_day, compiler: SQLCompiler, **kw: Any) -> str:
    instant = compiler.process(element.clauses, **kw)
    sqlite = compiler.dialect.name == "sqlite"
    return f"substr({instant}, 1, 10)" if sqlite else f"CAST({instant} AT TIME ZONE 'UTC' AS DATE)"


def unnest_json(dialect: Dialect, rows: str, columns: Sequence[tuple[str, str]]) -> str:
    """A subselect of the (name, type) `columns` from the SQL expression `rows`, a JSON array of arrays."""
    if dialect.name == "sqlite":
        fields = ", ".join(f"value ->> {i} AS {name}" for i, (name, _) in enumerate(columns))
        return f"(SELECT {fields} FROM json_each({rows}))"  # noqa: S608
    fields = ", ".join(f"(r.e ->> {i})::{kind} AS {name}" for i, (name, kind) in enumerate(columns))
    return f"(SELECT {fields} FROM jsonb_array_elements(CAST({rows} AS JSONB)) AS r(e))"  # noqa: S608


def hours_ago(dialect: Dialect, hours: int) -> str:
    """SQL text for the instant so many hours before now, as a view's definition needs it."""
    if dialect.name == "sqlite":
        return f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{hours} hours')"
    return f"(now() - interval '{hours} hours')"
