"""Statements that come again, as constants do: compiled once, then run by the driver itself.

SQLAlchemy takes 0.1 ms to get to the driver: for a batch of single events, that is more than SQLite takes itself.
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
    """What a statement returns. `rowcount`: how many rows it inserted or changed, where the driver says so."""

    rowcount: int


class Prepared:
    """A statement as the driver takes it, and how values go there and come back."""

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
        """The statement's parameters in their order, of the values `given` by name."""
        values = {**self._values, **given}
        for name, convert in self._to_driver.items():
            values[name] = convert(values[name])
        return [values[name] for name in self._names]

    def result(self, rows: Sequence[Iterable[Any]], rowcount: int = -1) -> Rows:
        """The driver's rows, as SQLAlchemy gives them."""
        result = Rows(self._keys, iter([self._read(row) for row in rows] if self._to_python else rows))
        result.rowcount = rowcount
        return result

    def _read(self, row: Iterable[Any]) -> tuple[Any, ...]:
        values = list(row)
        for place, convert in self._to_python:
            values[place] = convert(values[place])
        return tuple(values)


def returned_columns(statement: Statement) -> Sequence[Mapping[str, Any]]:
    """The columns of the rows that the statement returns."""
    return statement.column_descriptions if isinstance(statement, Select) else statement.returning_column_descriptions


class PreparedStatements:
    """Those of one database. A statement is prepared when it comes again: many are put together for one use."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: WeakKeyDictionary[Statement, Prepared | None] = WeakKeyDictionary()

    def get(self, statement: object) -> Prepared | None:
        """None for what SQLAlchemy is to execute: another kind of statement, or text that depends on its values."""
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
