"""Root pages (SQLite): where tables begin in the file. Staging tables and live tables exchange theirs.

Definitions, names and views stay as they are, and no row is touched.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.sqlite.staging import PREFIX

TRADE_ROOT_PAGES = text(f"""
    UPDATE live.sqlite_schema AS mine SET rootpage = other.rootpage
    FROM live.sqlite_schema AS other
    WHERE replace(mine.name, '{PREFIX}', '') = replace(other.name, '{PREFIX}', '')
      AND mine.name <> other.name AND mine.rootpage > 0
""")  # noqa: S608 - no input, a constant of ours
"""Each table or index gets the root page of its staging copy, and the other way round."""


async def trade(connection: AsyncConnection) -> None:
    """Exchange the root pages, as https://www.sqlite.org/lang_altertable.html#otheralter describes."""
    version = (await connection.execute(text("PRAGMA live.schema_version"))).scalar_one()
    for statement in (
        text("PRAGMA writable_schema = ON"),
        TRADE_ROOT_PAGES,
        text(f"PRAGMA live.schema_version = {version + 1}"),
        text("PRAGMA writable_schema = RESET"),
    ):
        await connection.execute(statement)
