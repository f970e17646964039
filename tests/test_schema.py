"""The migrated schema is the one that statements are written against, and PostgreSQL can distribute it by learner.

Compared are the databases' own catalogs, of a migrated database and of one made from `bootstrap.schema`.
"""

import asyncio
from pathlib import Path

from bootstrap.schema import metadata
from eventstore.migrate import is_current, migrate
from tests.conftest import opened
from tests.engine.rows import rows
from tests.support.catalog import Catalog, catalog
from tests.support.postgres import PostgresServer
from views import VIEWS

LOG = "lms_event"
BY_ROWID = (LOG, "lms_outbox")
"""What SQLite keys by its rowid, so that it counts."""

NOT_OF_LEARNERS = {"lms_inbox", "lms_replay"}
"""They have a user_id, but are tables of messages and of replays, some of which are about one learner."""

PER_LEARNER = {name for name, table in metadata.tables.items() if "user_id" in table.c} - NOT_OF_LEARNERS


async def migrated(url: str) -> Catalog:
    async with opened(url) as database:
        assert await migrate(database)
        assert not await migrate(database)
        found = await catalog(database)
        assert found.keys() - VIEWS.keys() == {*metadata.tables, "alembic_version"}
        return {name: found[name] for name in metadata.tables}


async def made_from_tables(url: str) -> Catalog:
    async with opened(url) as database:
        async with database.write_exclusive() as connection:
            await connection.run_sync(metadata.create_all, checkfirst=False)
        return await catalog(database)


async def test_postgresql_has_the_tables_that_statements_are_written_against(postgres: PostgresServer) -> None:
    found = await migrated(postgres.create_database())

    assert found == await made_from_tables(postgres.create_database())


async def test_sqlite_has_them_too_save_for_what_it_keys_by_its_rowid(tmp_path: Path) -> None:
    found = await migrated(f"sqlite:///{tmp_path / 'migrated.db'}")
    expected = await made_from_tables(f"sqlite:///{tmp_path / 'made.db'}")

    counting = [(found.pop(name), expected.pop(name)) for name in BY_ROWID]
    assert found == expected
    for table, expected_table in counting:
        but_by_seq = [said[:-1] for said in expected_table if "lms_event_by_seq" not in str(said)]
        assert [said[:-1] for said in table] == but_by_seq
        assert [said[0] for said in table if said[-1] == 1] == ["seq"]


UNIQUE_KEYS = """
SELECT c.relname, a.attname
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
"""


async def test_on_postgresql_every_unique_key_of_a_learners_table_begins_with_user_id(
    postgres: PostgresServer, migrated_postgres: str
) -> None:
    async with opened(postgres.url(migrated_postgres)) as database:
        first_columns = [row for row in await rows(database, UNIQUE_KEYS) if row[0] in PER_LEARNER]

        assert {table for table, _ in first_columns} == PER_LEARNER
        assert {column for _, column in first_columns} == {"user_id"}


async def test_on_postgresql_no_foreign_key_and_no_other_trigger_stands_in_the_way(
    postgres: PostgresServer, migrated_postgres: str
) -> None:
    async with opened(postgres.url(migrated_postgres)) as database:
        triggers = "SELECT DISTINCT event_object_table FROM information_schema.triggers ORDER BY 1"

        assert await rows(database, "SELECT conname FROM pg_constraint WHERE contype = 'f'") == []
        assert await rows(database, triggers) == [("lms_course_version",), (LOG,)]


async def test_two_servers_that_migrate_at_once_do_it_once(tmp_path: Path, postgres: PostgresServer) -> None:
    for url in (f"sqlite:///{tmp_path / 'both.db'}", postgres.create_database()):
        async with opened(url) as one, opened(url) as other:
            await asyncio.gather(migrate(one), migrate(other))

            assert await is_current(one)
            assert await rows(one, "SELECT count(*) FROM alembic_version") == [(1,)]
