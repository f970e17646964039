"""The columns in docs/sql.md: written from the schema. After a new column, write them again:

python -m bootstrap.documentation
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bootstrap.schema import metadata
from views.user_progress import v_user_progress

FILE = Path(__file__).parent.parent / "docs" / "sql.md"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*) \|", re.MULTILINE)
"""A row of a table of columns: the name of a table or view, and its columns."""


def columns() -> Mapping[str, Iterable[str]]:
    """Return the columns of every table, and of v_user_progress, which follow from the fields of `Progress`."""
    tables = {name: table.columns.keys() for name, table in metadata.tables.items()}
    return tables | {v_user_progress.name: v_user_progress.c.keys()}


def with_columns(page: str) -> str:
    """Return the page with the present columns in the rows of tables and views."""
    known = columns()

    def row(match: re.Match[str]) -> str:
        if match[1] not in known:
            return match[0]
        return f"| `{match[1]}` | {', '.join(f'`{name}`' for name in known[match[1]])} |"

    return ROW.sub(row, page)


if __name__ == "__main__":
    FILE.write_text(with_columns(FILE.read_text()))
