"""The swap: after it the database is as a migration made it, and whoever reads meanwhile sees one side or the other."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Table

from engine.courses.publish import publish
from engine.engine import Engine
from engine.limits import DEFAULT_LIMITS, Limits
from engine.replay import compare, diff_queries, swap
from engine.replay.derive_signals import derive_learners
from engine.replay.diff import Diff
from engine.replay.fold import ProgressCallback
from engine.replay.run import replay
from engine.replay.shadow_copy import IDLE_THROTTLE_RATIO, ShadowCopy, copying_shadow
from engine.replay.shadow_tables import open_shadow
from engine.replay.store import ReplayReport, ReplayRequest
from engine.replay.worker_pool import WorkerJob
from engine.tables import DERIVED
from eventstore.db.database import Database
from eventstore.errors import LmsError
from tests.conftest import opened
from tests.engine.replays import UNCHANGED, filled, replayed
from tests.engine.rows import change, is_sqlite, rows, value
from tests.engine.support import HandClock, at, ping, quiz, running, step
from tests.support.catalog import catalog
from tests.support.derived import derived
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.slow

NewDatabase = Callable[[], str]
LEFT_BEHIND = {
    "sqlite": "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'shadow%'",
    "postgresql": "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'lms_shadow%'",
}

SIGNALS = "SELECT count(*) FROM lms_signal"
UNANNOUNCED = "SELECT type, user_id FROM lms_signal WHERE signal_id NOT IN (SELECT message_id FROM lms_outbox)"


@pytest.fixture
def clock() -> HandClock:
    return HandClock(at(3))


@pytest.fixture
def limits() -> Limits:
    """However little differs, the shadow is swapped in."""
    return Limits(in_place_learners=-1)


async def test_tables_indexes_and_views_are_what_they_were(engine: Engine) -> None:
    await filled(engine)
    before = await catalog(engine.database)
    shown = await rows(engine.database, "SELECT * FROM v_user_progress ORDER BY 1, 2")
    for _ in range(3):
        assert await replayed(engine) == UNCHANGED
    after = await catalog(engine.database)

    assert {table: sorted(map(repr, said)) for table, said in after.items()} == {
        table: sorted(map(repr, said)) for table, said in before.items()
    }
    assert await rows(engine.database, "SELECT * FROM v_user_progress ORDER BY 1, 2") == shown
    assert await value(engine.database, LEFT_BEHIND[engine.database.engine.dialect.name]) == 0
    if is_sqlite(engine.database):
        assert await value(engine.database, "PRAGMA integrity_check") == "ok"


async def test_a_sqlite_replay_leaves_no_files_but_locks(new_sqlite: NewDatabase, limits: Limits) -> None:
    url = new_sqlite()
    file = Path(url.removeprefix("sqlite:///"))

    async with running(url, HandClock(at(3)), limits) as engine:
        await filled(engine)
        assert await replayed(engine) == UNCHANGED

    names = [file.name, f"{file.name}-replay", f"{file.name}-writers"]
    assert sorted(other.name for other in file.parent.glob(f"{file.name}*")) == names


async def test_what_was_left_behind_is_removed(engine: Engine) -> None:
    rubbish = {
        "sqlite": ["CREATE TABLE shadow_lms_xp (user_id TEXT)", "INSERT INTO shadow_lms_xp VALUES ('ada')"],
        "postgresql": ["CREATE SCHEMA lms_shadow_0f5f8a53", "CREATE TABLE lms_shadow_0f5f8a53.lms_xp ()"],
    }

    await filled(engine)
    kind = engine.database.engine.dialect.name
    await change(engine.database, *rubbish[kind])
    assert await replayed(engine) == UNCHANGED
    assert await value(engine.database, LEFT_BEHIND[kind]) == 0


async def test_readers_that_are_at_it_hold_the_swap_up_and_see_what_they_began_with(
    database_url: str, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    tried = asyncio.Event()
    original = swap.Swap._swap

    async def swap_once(
        self: swap.Swap, replay_id: str, events: int, attempt: int, *, publish: bool
    ) -> ReplayReport | None:
        try:
            return await original(self, replay_id, events, attempt, publish=publish)
        finally:
            tried.set()

    async with running(database_url, HandClock(at(3)), limits) as engine, opened(database_url) as other:
        right = await filled(engine)
        await change(engine.database, "DELETE FROM lms_signal WHERE user_id = 'ada'")
        monkeypatch.setattr(swap.Swap, "_swap", swap_once)
        async with other.read() as connection:
            seen = (await connection.exec_driver_sql("SELECT count(*) FROM lms_signal")).scalar_one()
            replaying = asyncio.create_task(replay(engine.database, engine.context, engine.clock, ReplayRequest()))
            await tried.wait()
            await engine.ingest.submit([ping(at(2), user_id="new", class_id="z")])
            assert (await connection.exec_driver_sql("SELECT count(*) FROM lms_signal")).scalar_one() == seen
        report = await replaying
        assert report.rows_differing > 0
        assert await value(other, "SELECT count(*) FROM lms_signal") == len(right["lms_signal"]) + 1
        assert (await derived(other))["lms_signal"] == (await derived(engine.database))["lms_signal"]


async def test_what_comes_after_all_was_brought_is_brought_again(
    new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    """On SQLite, rows are brought while others are still compared."""
    limits = replace(limits, compare_learners=1)
    original = compare.ShadowComparison._compare_learners

    async with running(new_sqlite(), HandClock(at(3)), limits) as engine:
        await filled(engine)
        happened = False

        async def compare_those(self: compare.ShadowComparison, those: diff_queries.LearnerFilter) -> Diff | None:
            nonlocal happened
            compared = await original(self, those)
            if compared is not None and not happened:
                happened = True
                await self._copy.copy_all()
                await engine.publish("other", "Other", (step("a"), step("b", "quiz")))
                await engine.ingest.submit([quiz(at(2.5), user_id="bob", class_id="b")])
            return compared

        monkeypatch.setattr(compare.ShadowComparison, "_compare_learners", compare_those)
        assert await replayed(engine) == UNCHANGED
        assert happened
        assert await replayed(engine) == UNCHANGED


async def test_what_a_version_grants_is_announced_though_it_is_published_right_before_the_swap(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = compare.ShadowComparison.run

    await filled(engine)

    async def run(self: compare.ShadowComparison) -> compare.Comparison:
        compared = await original(self)
        assert await publish(engine.database, "other", "Other", (step("a"),), engine.clock)
        return compared

    monkeypatch.setattr(compare.ShadowComparison, "run", run)
    before = await value(engine.database, SIGNALS)
    await replayed(engine)
    await engine.run_pending_work()
    assert await value(engine.database, SIGNALS) > before
    assert await rows(engine.database, UNANNOUNCED) == []


async def test_what_is_folded_is_brought_beside_deriving_and_again_what_comes_after(
    new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    original, first = ShadowCopy._publish, asyncio.Event()
    settled: list[list[str]] = []

    async def settle(self: ShadowCopy, tables: Collection[Table]) -> None:
        await original(self, tables)
        settled.append(sorted(table.name for table in tables))
        first.set()

    async with running(new_sqlite(), HandClock(at(3)), limits) as engine:
        await filled(engine)

        async def derive(
            pool: Executor, number: int, job: WorkerJob, shadow: Database, watch: ProgressCallback
        ) -> None:
            await first.wait()
            await engine.ingest.submit([quiz(at(2.5), user_id="bob", class_id="b"), ping(at(1), user_id="new")])
            await derive_learners(pool, number, job, shadow, watch)

        monkeypatch.setattr(ShadowCopy, "_publish", settle)
        monkeypatch.setattr("engine.replay.full.derive_learners", derive)
        assert await replayed(engine) == UNCHANGED
        assert settled[0] == ["lms_learner", "lms_progress"]
        assert len(settled) == 2
        assert not {"lms_learner", "lms_progress"} & set(settled[1])
        settled.clear()
        assert await replayed(engine) == UNCHANGED


async def test_bringing_pauses_only_if_somebody_else_could_be_waiting(
    new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, shares = ShadowCopy._throttle_ratio, set[float]()

    def share(self: ShadowCopy, *, has_seen: bool) -> float:
        shares.add(original(self, has_seen=has_seen))
        return max(shares)

    async def brought(database: Database) -> set[float]:
        shares.clear()
        async with (
            open_shadow(database, "some") as tables,
            copying_shadow(database, tables, 0, DEFAULT_LIMITS) as all_rows,
        ):
            await all_rows.copy_all()
        return set(shares)

    monkeypatch.setattr(ShadowCopy, "_throttle_ratio", share)

    url = new_sqlite()
    async with opened(url) as ours:
        assert await brought(ours) == {0.0}
        async with opened(url) as other:
            async with other.write():
                pass
            assert await brought(ours) == {IDLE_THROTTLE_RATIO}
        assert await brought(ours) == {0.0}


async def test_what_was_brought_in_vain_leaves_nothing_behind(
    new_sqlite: NewDatabase, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    """The first learners may differ, and no more do once all are compared: somebody mended them, say."""

    async def differs(*_: object) -> bool:
        return True

    monkeypatch.setattr("engine.replay.shadow_copy.sample_differs", differs)
    limits = replace(limits, in_place_learners=100)

    async with running(new_sqlite(), HandClock(at(3)), limits) as engine:
        await filled(engine)
        before = await derived(engine.database)
        assert await replayed(engine) == UNCHANGED
        assert await derived(engine.database) == before
        assert await value(engine.database, LEFT_BEHIND["sqlite"]) == 0
        assert await value(engine.database, "PRAGMA integrity_check") == "ok"


async def test_of_many_learners_nothing_is_brought_before_all_are_compared(
    database_url: str, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    original = ShadowCopy._publish
    settled: list[int] = []

    def begin(_: object) -> None:
        raise AssertionError("bringing has begun beside comparing")

    async def settle(self: ShadowCopy, tables: Collection[Table]) -> None:
        settled.append(len(tables))
        await original(self, tables)

    limits = replace(limits, compare_learners=1, early_copy_ranges=1, early_copy_learners=1)
    monkeypatch.setattr(ShadowCopy, "begin", begin)

    async with running(database_url, HandClock(at(3)), limits) as engine:
        await filled(engine)
        before = await derived(engine.database)
        await change(engine.database, "UPDATE lms_progress SET video_max_position_sec = 7")
        monkeypatch.setattr(ShadowCopy, "_publish", settle)
        assert (await replayed(engine))["rows_differing"] > 1
        assert settled == [len(DERIVED)]
        assert await derived(engine.database) == before


async def test_who_may_read_the_tables_still_may(
    postgres: PostgresServer, migrated_postgres: str, limits: Limits
) -> None:
    granted = """
        SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants
        WHERE grantee IN ('PUBLIC', 'pg_monitor') AND table_schema = 'public' ORDER BY 1, 2, 3
    """

    url = postgres.create_database(migrated_postgres)
    async with running(url, HandClock(at(3)), limits) as engine:
        await change(
            engine.database,
            "GRANT SELECT ON lms_signal TO PUBLIC",
            "GRANT SELECT, UPDATE ON lms_progress TO pg_monitor",
            "GRANT SELECT ON v_leaderboard TO pg_monitor",
        )
        before = await rows(engine.database, granted)
        assert len(before) == 4
        assert await replayed(engine) == UNCHANGED
        assert await rows(engine.database, granted) == before

    postgres.drop_database(url)


async def test_somebody_elses_view_on_our_tables_is_not_left_on_the_old_ones(
    postgres: PostgresServer, migrated_postgres: str, limits: Limits
) -> None:
    url = postgres.create_database(migrated_postgres)
    async with running(url, HandClock(at(3)), limits) as engine:
        await filled(engine)
        await change(
            engine.database,
            "CREATE VIEW report AS SELECT count(*) FROM lms_signal",
            "CREATE VIEW better AS SELECT * FROM v_leaderboard",
        )
        with pytest.raises(LmsError, match=r"there are views of others .*, report on lms_signal"):
            await replayed(engine)
        await change(engine.database, "DROP VIEW report")
        assert await replayed(engine) == UNCHANGED
        await engine.ingest.submit([ping(at(2), user_id="new", class_id="a")])
        assert ("new",) in await rows(engine.database, "SELECT user_id FROM better")

    postgres.drop_database(url)
