"""Databases for what only one of the two has."""

from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer


@pytest.fixture
def postgres_url(postgres: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """The URL of a PostgreSQL database at the current schema."""
    url = postgres.create_database(migrated_postgres)
    yield url
    postgres.drop_database(url)
