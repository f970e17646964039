"""One database for all tests of a module: those that only read need none of their own."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database at the current schema, of each kind in turn, for the module to fill once."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("shared") / "lms.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create_database(request.getfixturevalue("migrated_postgres"))
    yield url
    server.drop_database(url)
