"""Pieces of statements that the two databases say in different words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, Date, Integer, Select, Text
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from eventstore.dialects.columns import Number

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


class whole_part(GenericFunction[Any]):  # noqa: N801
    """The whole part of a number that is not negative."""

    type = Integer()
    inherit_cache = True


@compiles(whole_part)
def _whole_part(element: whole_part, compiler: SQLCompiler, **kw: Any) -> str:
    number = compiler.process(element.clauses, **kw)
    return f"CAST({number} AS INTEGER)" if compiler.dialect.name == "sqlite" else f"CAST(floor({number}) AS INTEGER)"


class at_least(GenericFunction[Any]):  # noqa: N801
    """Whether a number is another or more. In decimals; NULL where SQLite, which has none, cannot tell.

    It can if both are whole, or differ by more than the error of numbers below 2**38.
    """

    type = Boolean()
    inherit_cache = True


@compiles(at_least)
def _at_least(element: at_least, compiler: SQLCompiler, **kw: Any) -> str:
    a, b = (f"({compiler.process(number, **kw)})" for number in element.clauses)
    if compiler.dialect.name != "sqlite":
        return f"({a} >= {b})"
    whole = f"{a} = CAST({a} AS INTEGER) AND {b} = CAST({b} AS INTEGER)"
    return f"CASE WHEN {a} - {b} > 0.001 THEN 1 WHEN {b} - {a} > 0.001 THEN 0 WHEN {whole} THEN {a} >= {b} END"


class json_field(GenericFunction[Any]):  # noqa: N801
    """A field of a JSON object as JSON text; NULL where there is none."""

    type = Text()
    inherit_cache = True


@compiles(json_field)
def _json_field(element: json_field, compiler: SQLCompiler, **kw: Any) -> str:
    document, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({document} -> {name})" if compiler.dialect.name == "sqlite" else f"CAST({document} -> {name} AS TEXT)"


class json_text(GenericFunction[Any]):  # noqa: N801
    """A field of a JSON object that is a string, as text; NULL where there is none, or something else."""

    type = Text()
    inherit_cache = True


@compiles(json_text)
def _json_text(element: json_text, compiler: SQLCompiler, **kw: Any) -> str:
    document, name = (compiler.process(clause, **kw) for clause in element.clauses)
    sqlite = compiler.dialect.name == "sqlite"
    json_type = f"json_type({document}, '$.' || {name})" if sqlite else f"json_typeof({document} -> {name})"
    return f"CASE WHEN {json_type} IN ('text', 'string') THEN {document} ->> {name} END"


class plain_number(GenericFunction[Any]):  # noqa: N801
    """The number that a JSON text of at most 15 characters says, without a sign; NULL for any other.

    Of so few digits, binary floating point and decimals say the same. PostgreSQL is asked for no exponents, which may
    be more than it can take. SQLite works the text out once, however long that takes.
    """

    type = Number
    inherit_cache = True


@compiles(plain_number)
def _plain_number(element: plain_number, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    if compiler.dialect.name == "sqlite":
        number = "CASE WHEN said BETWEEN '0' AND ':' AND length(said) < 16 THEN CAST(said AS REAL) END"
        return f"(SELECT {number} FROM (SELECT {text} AS said LIMIT -1))"  # noqa: S608 - no input, SQL of ours
    unsigned = f"{text} COLLATE \"C\" BETWEEN '0' AND ':' AND strpos({text}, 'e') = 0 AND strpos({text}, 'E') = 0"
    return f"CASE WHEN {unsigned} AND length({text}) < 16 THEN CAST({text} AS NUMERIC) END"


def in_stages(query: Select[Any]) -> Select[Any]:
    """The query as a stage of a larger one: its columns would else be worked out again wherever they are used."""
    return query.suffix_with("LIMIT -1", dialect="sqlite").suffix_with("OFFSET 0", dialect="postgresql")


def texts_apart(query: Select[Any]) -> Select[Any]:
    """The same of a stage of texts; but SQLite would copy each for the next one, and does better to read it there."""
    return query.suffix_with("OFFSET 0", dialect="postgresql")


def unnest_json(dialect: Dialect, rows: str, columns: Sequence[tuple[str, str]]) -> str:
    """A subselect of the (name, type) `columns` from the SQL expression `rows`, a JSON array of arrays.

    SQLite would write each row's array out as text once a column; of a stage of its own, it does so once.
    """
    if dialect.name == "sqlite":
        fields = ", ".join(f"value ->> {i} AS {name}" for i, (name, _) in enumerate(columns))
        return f"(SELECT {fields} FROM (SELECT value FROM json_each({rows}) LIMIT -1))"  # noqa: S608
    fields = ", ".join(f"(r.e ->> {i})::{kind} AS {name}" for i, (name, kind) in enumerate(columns))
    return f"(SELECT {fields} FROM jsonb_array_elements(CAST({rows} AS JSONB)) AS r(e))"  # noqa: S608


def hours_ago(dialect: Dialect, hours: int) -> str:
    """SQL text for the instant so many hours before now, as a view's definition needs it."""
    if dialect.name == "sqlite":
        return f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{hours} hours')"
    return f"(now() - interval '{hours} hours')"
