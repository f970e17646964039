"""Databases that nobody has migrated, for commands that have to do it themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes databases without any table, of each kind in turn; gives their URLs."""
    if request.param == "sqlite":
        numbers = iter(range(1_000_000))
        yield lambda: f"sqlite:///{tmp_path}/empty-{next(numbers)}.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    made: list[str] = []

    def make() -> str:
        made.append(server.create_database())
        return made[-1]

    yield make
    for url in made:
        server.drop_database(url)
