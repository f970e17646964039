"""Replaying what a rule raises on: it is parked, with the history of its retries, until the rule is mended."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.parking.retry import RetryResult, retry_due
from engine.projecting.project import merge_progress
from engine.replay import fold_range, python_fold
from projections.fold import ProgressKey
from projections.progress import Progress
from signals.course_catalog import CourseCatalog
from tests.engine.broken_rule import NOW, BreakableRule, parked, poison, poisoned
from tests.engine.replays import UNCHANGED, replayed
from tests.engine.rows import change, refuse_class, refuse_no_more, rows, value
from tests.engine.support import HandClock, at, ping, running
from tests.support.derived import derived

PARKED = "SELECT user_id, rule, attempts, status FROM lms_retry"


async def test_what_is_parked_stays_so_with_the_history_of_its_retries(database_url: str, rule: BreakableRule) -> None:
    clock = HandClock(NOW)
    async with poisoned(database_url, clock, poison(), ping(NOW, user_id="bob")) as engine:
        clock.now += timedelta(seconds=10)
        assert await retry_due(engine.database, engine.context, clock) == RetryResult(0, 1)
        before = await parked(engine)
        assert await replayed(engine) == UNCHANGED | {"parked": 1}
        assert await parked(engine) == before

    assert rule.broken


async def test_a_mended_rule_gives_what_it_would_have_given_at_once(database_url: str, rule: BreakableRule) -> None:
    clock = HandClock(NOW)
    async with poisoned(database_url, clock, poison(), ping(NOW, user_id="bob")) as engine:
        rule.broken = False
        report = await replayed(engine)
        # its signals of the class, the step and the course; its progress; its XP on 6 boards; it is parked no more
        assert report == {"parked": 0, "signals_gained": 3, "signals_lost": 0, "rows_differing": 3 + 1 + 6 + 1}
        assert await parked(engine) == []
        by_replay = await derived(engine.database)
        await change(engine.database, "DELETE FROM lms_progress", "DELETE FROM lms_xp", "DELETE FROM lms_signal")
        await replayed(engine)
        assert await derived(engine.database) == by_replay


async def test_a_rule_that_broke_parks_what_it_cannot_take_any_more(database_url: str, rule: BreakableRule) -> None:
    rule.broken = False
    async with poisoned(database_url, HandClock(NOW), poison(), ping(NOW, user_id="bob")) as engine:
        rule.broken = True
        report = await replayed(engine)
        assert (report["parked"], report["signals_lost"]) == (1, 3)
        assert await rows(engine.database, PARKED) == [("ada", "video_progress", 0, "pending")]
        assert await replayed(engine) == UNCHANGED | {"parked": 1}


@pytest.mark.parametrize("limited", [False, True])
async def test_the_same_goes_for_a_learner_alone(database_url: str, rule: BreakableRule, limited: bool) -> None:
    request = {"user_id": "ada"} if limited else {}

    async with poisoned(database_url, HandClock(NOW), poison(), ping(NOW, user_id="bob")) as engine:
        assert await replayed(engine, **request) == UNCHANGED | {"parked": 1}
        rule.broken = False
        assert (await replayed(engine, **request))["signals_gained"] == 3
        assert await parked(engine) == []


async def test_what_the_database_refused_counts_once_it_takes_it(database_url: str) -> None:
    async with running(database_url, HandClock(at(3))) as engine:
        await refuse_class(engine.database, "lms_progress", "poison")
        await engine.ingest.submit([ping(at(1), class_id="poison"), ping(at(1), class_id="a")])
        assert await rows(engine.database, PARKED) == [("ada", "*", 0, "pending")]
        await refuse_no_more(engine.database, "lms_progress")
        assert (await replayed(engine))["signals_gained"] == 1
        assert await value(engine.database, "SELECT count(*) FROM lms_retry") == 0


async def test_what_the_database_refuses_of_a_replay_is_narrowed_down_and_parked(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(
        connection: AsyncConnection, proved: Mapping[ProgressKey, Progress], courses: CourseCatalog
    ) -> dict[ProgressKey, Progress]:
        if any(class_id == "poison" for _, class_id in proved):
            raise IntegrityError("INSERT", None, ValueError("poison"))
        return await merge_progress(connection, proved, courses)

    async def refuses_range(*_: object) -> None:
        raise IntegrityError("INSERT", None, ValueError("poison"))

    async with running(database_url, HandClock(at(3))) as engine:
        await engine.ingest.submit([ping(at(1), class_id=name) for name in ("a", "poison", "b", "c", "poison")])
        monkeypatch.setattr(python_fold, "merge_progress", refuses)
        monkeypatch.setattr(fold_range, "_fold", refuses_range)
        report = await replayed(engine)
        assert (report["parked"], report["signals_lost"]) == (2, 1)
        assert await rows(engine.database, PARKED) == [("ada", "*", 0, "pending")] * 2
        assert await rows(engine.database, "SELECT class_id FROM lms_progress ORDER BY 1") == [
            ("a",),
            ("b",),
            ("c",),
        ]
        assert await value(engine.database, "SELECT events FROM v_event_daily_stats") == 5
