"""DDL of append-only tables: their keys, and the triggers by which the database rejects changes."""

from typing import NamedTuple

from sqlalchemy import Identity, Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.schema import SchemaItem


class SeqKeys(NamedTuple):
    """The identity of a table's `seq` column, and the table's keys."""

    seq: tuple[Identity, ...]
    constraints: tuple[SchemaItem, ...]


def seq_keys(dialect: Dialect, key: tuple[str, str], *by_seq: Index) -> SeqKeys:
    """Return the keys of a numbered table: the rowid on SQLite; a key that begins with user_id on PostgreSQL (Citus).

    The indexes `by_seq` are created on PostgreSQL only, since SQLite's rowid serves for them.
    """
    if dialect.name == "sqlite":
        return SeqKeys((), (PrimaryKeyConstraint("seq"), UniqueConstraint(*key)))
    return SeqKeys((Identity(),), (PrimaryKeyConstraint(*key), *by_seq))


def append_only(dialect: Dialect, table: str, key: tuple[str, str], *, erasable: bool = False) -> list[str]:
    """Return the DDL by which the database rejects UPDATE and DELETE on `table`.

    Rows of `erasable` tables can be deleted for a learner in lms_erasure. SQLite's INSERT OR REPLACE deletes the row
    with the same `key` without firing triggers; there the old row stays.
    """
    erased = "EXISTS (SELECT 1 FROM lms_erasure WHERE user_id = OLD.user_id)" if erasable else "false"
    if dialect.name == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        same_key = " AND ".join(f"{column} = NEW.{column}" for column in key)
        one = f"SELECT 1 FROM {table} WHERE"  # noqa: S608 - no input, names of ours
        known = f"EXISTS ({one} rowid = NEW.rowid) OR EXISTS ({one} {same_key})"
        return [
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {known} BEGIN SELECT RAISE(IGNORE); END",
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT {erased} {refuse}",
        ]
    function = (
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' AND {erased} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    refuse = f"EXECUTE FUNCTION {table}_refuse()"
    return [
        function,
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}",
    ]
