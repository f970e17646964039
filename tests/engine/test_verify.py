"""Verify: whatever was not derived from the log is found and named, and nothing else is."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from importlib import import_module
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from engine.courses.publish import publish
from engine.engine import Engine
from engine.limits import Limits
from engine.parking.retry import retry_all
from engine.verify.expected_rows import LEARNER, SHAPES, XP, DerivedTable
from engine.verify.repair import repair_learners
from engine.verify.table_diff import Difference
from engine.verify.verify import Sample, verify
from engine.verify.xp_histogram import HISTOGRAM, repair_histogram
from eventstore.times import system_clock
from signals.signal import SignalType
from tests.engine.broken_rule import BreakableRule
from tests.engine.delivery import live
from tests.engine.rows import change, refuse_class, refuse_no_more, rows, value
from tests.engine.support import HandClock, at, ping, running, step
from tests.engine.tampering import GHOST, NOW, found_in, furnished, tamper, tamperings
from tests.engine.worlds import Delivery, World, delivered_worlds

NewDatabase = Callable[[], str]


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivered_worlds())
async def test_nothing_differs_after_live_processing(
    new_database: NewDatabase, delivered: tuple[World, Delivery]
) -> None:
    world, delivery = delivered

    url = new_database()
    await live(url, world, delivery)
    async with running(url, HandClock(at(9))) as engine:
        assert await found_in(engine) == []


@pytest.mark.usefixtures("rule")
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.table.name)
async def test_whatever_is_tampered_with_is_found_and_named(database_url: str, shape: DerivedTable) -> None:
    async with furnished(database_url) as engine:
        for tampering in tamperings(shape):
            # given a database in which nothing differs, which has rows in every table
            assert await found_in(engine) == []

            # when
            key = await tamper(engine.database, tampering)

            # then
            named = [d[:3] for d in await found_in(engine) if not (shape is XP and d.table == HISTOGRAM)]
            assert named == [(shape.table.name, key, tampering.field)], tampering.name
            await repair_learners(engine.database, [key[0]], engine.context, engine.clock, announce=False)
            await repair_histogram(engine.database, engine.context)


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        (
            "UPDATE lms_event_daily SET events = events + 2 WHERE type = 'QUIZ_SUBMIT'",
            ["2026-12-01/QUIZ_SUBMIT events: expected 1, found 3"],
        ),
        (
            "DELETE FROM lms_event_daily WHERE day = '2026-11-28'",
            ["2026-11-28/VIDEO_PING row: expected a row (events 1), found no row"],
        ),
        (
            "INSERT INTO lms_event_daily VALUES ('2026-11-27', 'VIDEO_PING', 99, 1)",
            ["2026-11-27/VIDEO_PING row: expected no row, found a row (events 1)"],
        ),
        ("INSERT INTO lms_event_daily VALUES ('2026-11-29', 'VIDEO_PING', 99, 0)", []),
    ],
)
async def test_counts_of_days_are_compared_with_the_log(database_url: str, statement: str, lines: list[str]) -> None:
    async with furnished(database_url) as engine:
        await change(engine.database, statement)
        assert said(await found_in(engine)) == [f"v_event_daily_stats {line}" for line in lines]


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        (
            "UPDATE lms_xp_histogram SET learners = learners + 2 WHERE course_id = '' AND period = 'all' AND xp = 40",
            ["''/all/40 learners: expected 1, found 3"],
        ),
        (
            "DELETE FROM lms_xp_histogram WHERE course_id = 'x' AND period = 'all' AND xp = 160",
            ["x/all/160 row: expected a row (learners 1), found no row"],
        ),
        (
            "INSERT INTO lms_xp_histogram VALUES ('x', 'all', 999, 99, 1)",
            ["x/all/999 row: expected no row, found a row (learners 1)"],
        ),
        ("INSERT INTO lms_xp_histogram VALUES ('x', 'all', 999, 99, 0)", []),
    ],
)
async def test_the_histogram_is_compared_with_the_leaderboards(
    database_url: str, statement: str, lines: list[str]
) -> None:
    async with furnished(database_url) as engine:
        await change(engine.database, statement)
        assert said(await found_in(engine)) == [f"lms_xp_histogram {line}" for line in lines]


def said(differences: Sequence[Difference]) -> list[str]:
    return [str(difference) for difference in differences]


@pytest.mark.parametrize("text", ["yesterday", "2026-11-29T00:00:00Z", "2026-11-29T00:00:00.000000"])
async def test_what_is_no_time_of_ours_is_found(new_sqlite: NewDatabase, text: str) -> None:
    """SQLite takes any text; PostgreSQL takes no text that is no time."""
    statement = "UPDATE lms_progress SET video_completed_at = '?' WHERE user_id = 'ada' AND class_id = 'a'"

    async with furnished(new_sqlite()) as engine:
        await change(engine.database, statement.replace("?", text))
        assert said(await found_in(engine)) == [
            f"lms_progress ada/a video_completed_at: expected 2026-11-29T00:00:00.000000Z, found '{text}'"
        ]


async def test_learners_are_verified_in_chunks_wherever_they_are_found(database_url: str) -> None:
    async with furnished(database_url, Limits(verify_learners=2)) as engine:
        # given drift of learners in every chunk, one of whom the log does not know
        await change(
            engine.database,
            "INSERT INTO lms_learner VALUES ('ghost', '2026-11-28T00:00:00.000000Z')",
            "DELETE FROM lms_learner WHERE user_id IN ('ada', 'zoe')",
        )

        # when
        steps: list[tuple[str, int, int]] = []
        chunks = verify(engine.database, engine.context, engine.clock, lambda *step: steps.append(step))
        found = [[difference.key[0] for difference in chunk] async for chunk in chunks]

        # then each chunk's are told together, and how far it has come after each
        assert found == [["ada"], [GHOST, "zoe"]]
        assert steps == [("learners", 2, 2), ("learners", 4, 4)]


async def test_a_sample_is_so_many_learners_at_random(database_url: str) -> None:
    async with furnished(database_url) as engine:
        await change(engine.database, "DELETE FROM lms_learner", "DELETE FROM lms_event_daily")

        def sampled(number: int, seed: int) -> "asyncio.Future[list[Difference]]":
            return asyncio.ensure_future(found_in(engine, Sample(number, Random(seed))))

        pairs = {tuple(difference.key[0] for difference in await sampled(2, seed)) for seed in range(40)}
        assert pairs == {("ada", "bob"), ("ada", "zoe"), ("bob", "zoe")}
        assert await sampled(2, 7) == await sampled(2, 7)
        assert [difference.key for difference in await sampled(9, 0)] == [("ada",), ("bob",), ("zoe",)]


async def test_what_is_written_meanwhile_is_not_taken_for_drift(database_url: str) -> None:
    limits = Limits(verify_learners=3)
    names = [f"learner-{number}" for number in range(9)]

    async def post(engine: Engine) -> None:
        for round_ in range(12):
            batch = [
                ping(at(0) if round_ % 3 else at(2), 50 + 4 * round_, user_id=name, class_id="ab"[round_ % 2])
                for name in names
            ]
            await engine.ingest.submit(batch)
            if round_ % 4 == 1:
                await engine.publish("x", f"{round_}", (step("a"), step("b"))[: 1 + round_ % 8 // 4])

    async with running(database_url, HandClock(NOW), limits) as engine, running(database_url, HandClock(NOW)) as other:
        posting = asyncio.create_task(post(other))
        rounds = 0
        while not posting.done() or not rounds:
            assert await found_in(engine) == []
            rounds += 1
        await posting
        assert await found_in(engine) == []
        assert await value(engine.database, "SELECT count(*) FROM lms_learner") == len(names)


async def test_what_a_version_is_still_to_grant_is_granted_and_not_drift(database_url: str) -> None:
    clock = HandClock(NOW)
    async with running(database_url, clock) as engine:
        await engine.ingest.submit([ping(at(0)), ping(at(0), user_id="bob")])
        await publish(engine.database, "x", "X", (step("a"),), clock)

        assert await found_in(engine) == []
        assert await value(engine.database, "SELECT count(*) FROM lms_signal WHERE course_id = 'x'") == 4
        assert await value(engine.database, "SELECT count(*) FROM lms_outbox") == 6


async def test_what_is_parked_is_no_drift_until_its_rule_is_mended(database_url: str, rule: BreakableRule) -> None:
    async with furnished(database_url) as engine:
        assert await found_in(engine) == []

        rule.broken = False
        named = {(difference.table, difference.key[0]) for difference in await found_in(engine)}
        assert named == {("lms_retry", "zoe"), *((shape.table.name, "ada") for shape in SHAPES if shape != LEARNER)}

        await retry_all(engine.database, engine.context, engine.clock, dead=False)
        assert await found_in(engine) == []


async def test_what_the_database_refuses_is_no_difference_as_long_as_it_is_parked(database_url: str) -> None:
    async with furnished(database_url) as engine:
        await refuse_class(engine.database, "lms_progress", "poison")
        await engine.ingest.submit([ping(at(1), 50, user_id="bob", class_id="poison")])
        assert await found_in(engine) == []

        await change(engine.database, "DELETE FROM lms_retry WHERE user_id = 'bob'")
        differences = await found_in(engine)
        assert [(d.table, d.key[0], d.field) for d in differences] == [("lms_progress", "bob", "row")]


async def test_what_the_database_refused_is_there_after_a_retry(database_url: str) -> None:
    async with furnished(database_url) as engine:
        await refuse_class(engine.database, "lms_progress", "poison")
        await engine.ingest.submit([ping(at(1), 50, user_id="bob", class_id="poison")])
        await refuse_no_more(engine.database, "lms_progress")
        await retry_all(engine.database, engine.context, engine.clock, dead=False)
        assert await found_in(engine) == []
        assert await rows(engine.database, "SELECT user_id FROM lms_progress WHERE class_id = 'poison'") == [("bob",)]


async def test_a_changed_rule_shows_where_it_says_something_else(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url, HandClock(NOW)) as engine:
        await engine.ingest.submit([ping(at(0), 95), ping(at(1), 92, user_id="bob")])
        assert await found_in(engine) == []

        monkeypatch.setattr(import_module("projections.rules.video_progress"), "COMPLETE_SHARE", Decimal("0.95"))
        assert {difference.key[0] for difference in await found_in(engine)} == {"bob"}


async def test_changed_worth_shows_in_signals_and_on_leaderboards(database_url: str) -> None:
    async with furnished(database_url) as engine:
        context = engine.context._replace(xp_values={**engine.context.xp_values, SignalType.QUIZ_PASSED: 25})
        chunks = verify(engine.database, context, system_clock, lambda *_: None)
        found = [difference async for chunk in chunks for difference in chunk]

        assert {(d.table, d.key[0], d.field) for d in found} == {
            ("lms_signal", "ada", "xp"),
            ("lms_xp", "ada", "xp"),
        }
        assert [(d.expected, d.found) for d in found if d.table == "lms_signal"] == [("25", "20")]


async def test_whoever_has_seen_enough_can_leave(database_url: str) -> None:

    async with furnished(database_url, Limits(verify_learners=1)) as engine:
        await change(engine.database, "DELETE FROM lms_xp")
        async with aclosing(verify(engine.database, engine.context, engine.clock, lambda *_: None)) as chunks:
            assert {difference.key[0] for difference in await anext(chunks)} == {"ada"}
