"""The schema of a database as its own catalog describes it."""

from typing import Any

from eventstore.db.database import Database
from tests.engine.rows import rows

COLUMNS = {
    "sqlite": 'SELECT t.name, c.name, c.type, c.cid, c."notnull", c.dflt_value, c.pk '
    "FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    "postgresql": "SELECT table_name, column_name, data_type, ordinal_position, is_nullable, column_default, "
    "collation_name FROM information_schema.columns WHERE table_schema = 'public'",
}
KEYS = {
    "sqlite": "SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
    "SELECT relname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_class ON conrelid = pg_class.oid "
    "WHERE connamespace = 'public'::regnamespace",
}
Catalog = dict[str, list[tuple[Any, ...]]]


async def catalog(database: Database) -> Catalog:
    """What the database says of each table: its columns, then its indexes and constraints."""
    result: Catalog = {}
    for queries in (COLUMNS, KEYS):
        for table, *said in sorted(await rows(database, queries[database.engine.dialect.name]), key=repr):
            result.setdefault(table, []).append(tuple(said))
    return result
