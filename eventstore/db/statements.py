"""Parts of statements that the two databases write differently: clauses, subselects, the text of a view."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.engine import Dialect

insert = Insert
"""INSERT with ON CONFLICT and RETURNING: PostgreSQL's syntax, which SQLite adopted."""


def optimization_fence(query: Select[Any]) -> Select[Any]:
    """Make the query an optimization fence: the planner evaluates it once, instead of inlining its expressions.

    The fence is LIMIT -1 on SQLite, OFFSET 0 on PostgreSQL.
    """
    return query.suffix_with("LIMIT -1", dialect="sqlite").suffix_with("OFFSET 0", dialect="postgresql")


def postgresql_fence(query: Select[Any]) -> Select[Any]:
    """Make the query an optimization fence on PostgreSQL only.

    On SQLite a fence would copy every text into a transient table, which is slower than reading it in place.
    """
    return query.suffix_with("OFFSET 0", dialect="postgresql")


def unnest_json(dialect: Dialect, rows: str, columns: Sequence[tuple[str, str]]) -> str:
    """Return a subselect of the (name, type) `columns` from the SQL expression `rows`, a JSON array of arrays.

    SQLite would convert each row's array to text once for each column; in a subselect of its own it does so once.
    """
    if dialect.name == "sqlite":
        fields = ", ".join(f"value ->> {i} AS {name}" for i, (name, _) in enumerate(columns))
        return f"(SELECT {fields} FROM (SELECT value FROM json_each({rows}) LIMIT -1))"  # noqa: S608
    fields = ", ".join(f"(r.e ->> {i})::{kind} AS {name}" for i, (name, kind) in enumerate(columns))
    return f"(SELECT {fields} FROM jsonb_array_elements(CAST({rows} AS JSONB)) AS r(e))"  # noqa: S608


def hours_ago(dialect: Dialect, hours: int) -> str:
    """Return SQL text for the instant that many hours before now, for the definition of a view."""
    if dialect.name == "sqlite":
        return f"strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-{hours} hours')"
    return f"(now() - interval '{hours} hours')"
