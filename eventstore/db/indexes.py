"""Indexes of some of a table's rows alone."""

from typing import Any

from sqlalchemy import TextClause, text


def partial_index(condition: str) -> dict[str, Any]:
    """Options of an Index that has only the rows for which this SQL condition holds: others cost it nothing."""
    clause: TextClause = text(condition)
    return {"sqlite_where": clause, "postgresql_where": clause}
