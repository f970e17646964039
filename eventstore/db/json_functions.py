"""SQL functions that read payloads: a field of a JSON object as text, or as a number on which both databases agree."""

from typing import Any

from sqlalchemy import Double, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class json_field(GenericFunction[Any]):  # noqa: N801
    """A field of a JSON object as JSON text; NULL where it is absent."""

    type = Text()
    inherit_cache = True


@compiles(json_field)
def _json_field(element: json_field, compiler: SQLCompiler, **kw: Any) -> str:
    document, name = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({document} -> {name})" if compiler.dialect.name == "sqlite" else f"CAST({document} -> {name} AS TEXT)"


class json_text(GenericFunction[Any]):  # noqa: N801
    """A string field of a JSON object as text; NULL where it is absent or no string."""

    type = Text()
    inherit_cache = True


@compiles(json_text)
def _json_text(element: json_text, compiler: SQLCompiler, **kw: Any) -> str:
    document, name = (compiler.process(clause, **kw) for clause in element.clauses)
    sqlite = compiler.dialect.name == "sqlite"
    json_type = f"json_type({document}, '$.' || {name})" if sqlite else f"json_typeof({document} -> {name})"
    return f"CASE WHEN {json_type} IN ('text', 'string') THEN {document} ->> {name} END"


class plain_number(GenericFunction[Any]):  # noqa: N801
    """The number in a JSON text of at most 15 characters without a sign; NULL for any other text.

    With so few digits all parsers give the same binary value. PostgreSQL gets no exponents, which may be too large for
    it. SQLite evaluates the text once, even if it is long.
    """

    type = Double()
    inherit_cache = True


@compiles(plain_number)
def _plain_number(element: plain_number, compiler: SQLCompiler, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    if compiler.dialect.name == "sqlite":
        number = "CASE WHEN said BETWEEN '0' AND ':' AND length(said) < 16 THEN CAST(said AS REAL) END"
        return f"(SELECT {number} FROM (SELECT {text} AS said LIMIT -1))"  # noqa: S608 - no input, SQL of ours
    unsigned = f"{text} COLLATE \"C\" BETWEEN '0' AND ':' AND strpos({text}, 'e') = 0 AND strpos({text}, 'E') = 0"
    return f"CASE WHEN {unsigned} AND length({text}) < 16 THEN CAST({text} AS DOUBLE PRECISION) END"
