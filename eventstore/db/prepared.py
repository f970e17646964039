"""Prepared statements: constant statements are compiled once, and then executed by the driver directly.

SQLAlchemy takes 0.1 ms to reach the driver; for a batch of single events that is more than SQLite itself takes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Insert, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

Statement = Select[Any] | Insert
Convert = Callable[[Any], Any]


class Rows(IteratorResult[Any]):
    """The rows that a statement returns. `rowcount` counts inserted or changed rows, if the driver tells it."""

    rowcount: int


class Prepared:
    """A statement as the driver takes it, with the conversions of its parameters and results."""

    def __init__(self, statement: Statement, compiled: SQLCompiler, dialect: Dialect) -> None:
        self.sql = compiled.string
        self._names = compiled.positiontup or []
        self._values = compiled.params
        binds = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
        self._to_driver = {name: convert for name, convert in binds.items() if convert is not None}
        columns = returned_columns(statement)
        self._keys = SimpleResultMetaData([column["name"] for column in columns])
        types = [column["type"].dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._to_python = [(place, convert) for place, convert in enumerate(types) if convert is not None]

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """Return the statement's parameters in their order, from the values `given` by name."""
        values = {**self._values, **given}
        for name, convert in self._to_driver.items():
            values[name] = convert(values[name])
        return [values[name] for name in self._names]

    def result(self, rows: Sequence[Iterable[Any]], rowcount: int = -1) -> Rows:
        """Return the driver's rows as SQLAlchemy would."""
        result = Rows(self._keys, iter([self._read(row) for row in rows] if self._to_python else rows))
        result.rowcount = rowcount
        return result

    def _read(self, row: Iterable[Any]) -> tuple[Any, ...]:
        values = list(row)
        for place, convert in self._to_python:
            values[place] = convert(values[place])
        return tuple(values)


def returned_columns(statement: Statement) -> Sequence[Mapping[str, Any]]:
    """Return the columns of the rows that the statement returns."""
    return statement.column_descriptions if isinstance(statement, Select) else statement.returning_column_descriptions


class PreparedStatements:
    """A cache of compiled statements for one database.

    A statement is compiled on its second use, so that one-off statements are never cached.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: WeakKeyDictionary[Statement, Prepared | None] = WeakKeyDictionary()

    def get(self, statement: object) -> Prepared | None:
        """Return the prepared statement, or None for one that SQLAlchemy must execute."""
        if not isinstance(statement, Select | Insert):
            return None
        if statement not in self._known:
            self._known[statement] = None
            return None
        prepared = self._known[statement]
        if prepared is None:
            compiled = statement.compile(dialect=self._dialect)
            if isinstance(compiled, SQLCompiler) and not compiled.post_compile_params | compiled.literal_execute_params:
                prepared = self._known[statement] = Prepared(statement, compiled, self._dialect)
        return prepared
