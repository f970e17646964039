"""Partial indexes."""

from typing import Any

from sqlalchemy import TextClause, text


def partial_index(condition: str) -> dict[str, Any]:
    """Return the options of an Index over the rows for which this SQL condition holds. Other rows cost it nothing."""
    clause: TextClause = text(condition)
    return {"sqlite_where": clause, "postgresql_where": clause}
