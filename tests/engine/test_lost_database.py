"""A database that is gone for a while: callers are told to come again, and find everything at work when it is back."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventstore.errors import UnavailableError
from tests.conftest import migrate_url, opened
from tests.engine.rows import value
from tests.engine.support import HandClock, at, ping, running, step
from tests.support.postgres import PostgresServer, required_postgres


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may stop."""
    with required_postgres() as server:
        yield server


async def test_postgresql_that_stops_and_starts_again_costs_nothing_but_the_time(own_postgres: PostgresServer) -> None:
    url = own_postgres.create_database()
    await migrate_url(url)
    async with running(url, HandClock(at(1))) as engine:
        event = ping(at(0))
        await engine.ingest.submit([event])

        own_postgres.stop("immediate")
        with pytest.raises(UnavailableError) as refused:
            await engine.ingest.submit([ping(at(0), class_id="b")])
        assert refused.value.retry_after >= 1
        with pytest.raises(UnavailableError):
            await engine.publish("x", "X", (step("a"),))
        with pytest.raises(UnavailableError):
            await engine.database.check()

        own_postgres.start()
        assert (await engine.ingest.submit([ping(at(0), class_id="b"), event]))[:2] == (1, 1)
        assert await engine.publish("x", "X", (step("a"),)) is not None
        assert await value(engine.database, "SELECT xp FROM v_leaderboard") == 10 + 10 + 30 + 100


async def test_sqlite_that_somebody_else_keeps_locked_is_unavailable_until_they_are_done(
    new_sqlite: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.db.connect.SQLITE_BUSY_TIMEOUT_SEC", 0.05)

    url = new_sqlite()
    async with opened(url) as other, running(url, HandClock(at(1))) as engine:
        async with other.write_exclusive():
            with pytest.raises(UnavailableError, match="locked"):
                await engine.ingest.submit([ping(at(0))])

        assert (await engine.ingest.submit([ping(at(0))])).accepted == 1


async def threads_ended() -> None:
    """Until the driver's threads have had their last word, which they could not say to a loop that is closed."""
    for thread in threading.enumerate():
        if thread.name.endswith("(_connection_worker_thread)"):
            await asyncio.to_thread(thread.join)


async def test_a_file_that_sqlite_cannot_open_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "lms.db").mkdir()
    async with opened(f"sqlite:///{tmp_path / 'lms.db'}") as database:
        with pytest.raises(UnavailableError, match="the database does not answer: "):
            await database.check()
        await threads_ended()
