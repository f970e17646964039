"""JSON rows: many rows as one parameter of a statement, which selects from them like from a table.

An append of 1 event and one of 5,000 are the same statement, and each statement is written once.
"""

from collections.abc import Collection, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Text, bindparam, column
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator

from eventstore.db import UtcTime, times_are_text, unnest_json
from eventstore.times import to_text


def json_rows(name: str, *columns: ColumnElement[Any]) -> TableValuedAlias:
    """Return a table of the named and typed `columns`; its rows are the statement's parameter `name`.

    The parameter is a collection of tuples in the order of the columns.
    """
    typed = [column(c.key or "", c.type) for c in columns]
    times = tuple(place for place, c in enumerate(typed) if isinstance(c.type, UtcTime))
    return _Rows(typed, bindparam(name, type_=_JsonRows(times))).table_valued(*typed, name=name)


class _JsonRows(TypeDecorator[Collection[Sequence[Any]]]):
    """Rows as one JSON text, an array of arrays. `times` are the positions of instant columns."""

    impl = Text
    cache_ok = True

    def __init__(self, times: tuple[int, ...]) -> None:
        super().__init__()
        self.times = times

    def process_bind_param(self, value: Collection[Sequence[Any]] | None, dialect: Dialect) -> str:
        if not self.times or not times_are_text(dialect):
            return to_json(value or ()).decode()
        rows = [list(row) for row in value or ()]
        for row in rows:
            for place in self.times:
                if row[place] is not None:
                    row[place] = to_text(row[place])
        return to_json(rows).decode()


class _Rows(FunctionElement[Any]):
    """The rows in a FROM clause. The spec is part of the statement's cache key."""

    _traverse_internals = [*FunctionElement._traverse_internals, ("spec", InternalTraversal.dp_string)]  # noqa: RUF012
    inherit_cache = True
    name = "batch"

    def __init__(self, columns: Sequence[ColumnElement[Any]], rows: ColumnElement[Any]) -> None:
        super().__init__(rows)
        self.columns_of_rows = columns
        self.spec = ",".join(f"{c.key}:{c.type!r}" for c in columns)


@compiles(_Rows)
def _compile_rows(element: _Rows, compiler: SQLCompiler, **kw: Any) -> str:
    (rows,) = element.clauses
    types = compiler.dialect.type_compiler_instance
    columns = [(compiler.preparer.quote(c.key or ""), types.process(c.type)) for c in element.columns_of_rows]
    return unnest_json(compiler.dialect, compiler.process(rows, **kw), columns)
