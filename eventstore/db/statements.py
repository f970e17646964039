"""Whole parts of statements that the two databases say in different words: clauses, subselects, a view's text."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.engine import Dialect

insert = Insert
"""INSERT with ON CONFLICT and RETURNING: PostgreSQL's words, which SQLite took over."""


def optimization_fence(query: Select[Any]) -> Select[Any]:
    """The query as a stage of a larger one: its columns would else be worked out again wherever they are used."""
    return query.suffix_with("LIMIT -1", dialect="sqlite").suffix_with("OFFSET 0", dialect="postgresql")


def postgresql_fence(query: Select[Any]) -> Select[Any]:
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
