"""Mending and rebuilding: what differs from the log is brought to it, and nothing else is touched."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import delete, event
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.courses.publish import publish
from engine.engine import Engine
from engine.ingest.submission import Receipt
from engine.tables import DERIVED
from engine.verify import repair
from engine.verify.daily_counts import repair_daily
from engine.verify.expected_rows import LEARNER, SHAPES, DerivedTable, LearnerState
from engine.verify.learner_log import count_events, read_learner_states
from engine.verify.repair import repair_learners
from engine.verify.repair_result import RepairResult
from engine.verify.xp_histogram import repair_histogram
from eventstore.db.database import Database
from projections.rule import Rule
from signals.signal import SignalType
from tests.engine.broken_rule import BreakableRule
from tests.engine.rows import change, refuse_class, rows, value
from tests.engine.support import HandClock, at, ping, running, step
from tests.engine.tampering import COME, GONE, NOW, Tampering, everything, found_in, furnished, tamper, tamperings
from tests.support.derived import derived

NewDatabase = Callable[[], str]


async def rebuilt(engine: Engine, *user_ids: str, announce: bool = False) -> RepairResult:
    return await repair_learners(engine.database, user_ids, engine.context, engine.clock, announce=announce)


@contextmanager
def written(database: Database) -> Iterator[list[int]]:
    """How many rows each statement of the block wrote, other than of the histogram, which follows lms_xp."""
    numbers: list[int] = []

    def note(_1: object, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")) and "lms_xp_histogram" not in statement:
            numbers.append(max(0, cursor.rowcount))

    event.listen(database.engine.sync_engine, "after_cursor_execute", note)
    try:
        yield numbers
    finally:
        event.remove(database.engine.sync_engine, "after_cursor_execute", note)


@pytest.mark.usefixtures("rule")
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.table.name)
async def test_whatever_is_tampered_with_is_mended_and_nothing_else_is_written(
    database_url: str, shape: DerivedTable
) -> None:
    async with furnished(database_url) as engine:
        before = await everything(engine.database)
        for tampering in tamperings(shape):
            # given
            key = await tamper(engine.database, tampering)
            assert await everything(engine.database) != before, tampering.name

            # when
            with written(engine.database) as numbers:
                done = await rebuilt(engine, *sorted({"ada", "bob", "zoe", key[0]}))

            # then
            assert (done.rows_differing, done.refused) == (1, ()), tampering.name
            assert sum(numbers) == 1 + for_stand_ins(tampering), tampering.name
            await repair_histogram(engine.database, engine.context)
            assert await everything(engine.database) == before, tampering.name
        assert await found_in(engine) == []


@pytest.mark.usefixtures("rule")
async def test_where_nothing_differs_nothing_is_written(database_url: str) -> None:
    async with furnished(database_url) as engine:
        with written(engine.database) as numbers:
            assert await rebuilt(engine, "ada", "bob", "zoe", announce=True) == RepairResult(parked=2)
            assert await repair_daily(engine.database, engine.context) == 0
            assert await repair_histogram(engine.database, engine.context) == 0
        assert sum(numbers) == 0


def for_stand_ins(tampering: Tampering) -> int:
    """How many rows are written to lock a learner without one: it comes, and if there should be none, it goes again."""
    if tampering.shape is LEARNER:
        return 1 if tampering.value == GONE else 0
    return 2 if tampering.value == COME else 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lms_event_daily SET events = events + 2 WHERE type = 'QUIZ_SUBMIT'",
        "DELETE FROM lms_event_daily WHERE day = '2026-11-28'",
        "INSERT INTO lms_event_daily VALUES ('2026-11-27', 'VIDEO_PING', 99, 1)",
        "INSERT INTO lms_event_daily VALUES ('2026-11-29', 'VIDEO_PING', 99, -1)",
        "DELETE FROM lms_event_daily",
    ],
)
async def test_counts_of_days_are_mended_and_go_on_counting(database_url: str, statement: str) -> None:
    async with furnished(database_url) as engine:
        before = await everything(engine.database)
        await change(engine.database, statement)
        days = len(await found_in(engine))
        assert days > 0

        assert await repair_daily(engine.database, engine.context) == days
        assert await everything(engine.database) == before
        assert await repair_daily(engine.database, engine.context) == 0

        await engine.ingest.submit([ping(at(1), 3), ping(at(0), 3, user_id="new")])
        assert await found_in(engine) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lms_xp_histogram SET learners = learners + 2 WHERE xp > 20",
        "INSERT INTO lms_xp_histogram VALUES ('ghosts', 'all', 10, 99, 1)",
        "INSERT INTO lms_xp_histogram VALUES ('', 'all', 10, 99, -1)",
        "DELETE FROM lms_xp_histogram WHERE course_id = 'x'",
        "DELETE FROM lms_xp_histogram",
    ],
)
async def test_the_histogram_is_mended_and_goes_on_counting(database_url: str, statement: str) -> None:
    async with furnished(database_url) as engine:
        before = await everything(engine.database)
        await change(engine.database, statement)
        levels = len(await found_in(engine))
        assert levels > 0

        assert await repair_histogram(engine.database, engine.context) == levels
        assert await everything(engine.database) == before
        assert await repair_histogram(engine.database, engine.context) == 0

        await engine.ingest.submit([ping(at(1), user_id="new"), ping(at(0), user_id="ada")])
        assert await found_in(engine) == []


async def test_the_histogram_follows_when_a_learner_is_rebuilt(database_url: str) -> None:
    async with furnished(database_url) as engine:
        # given what a quiz is worth now
        xp_values = {**engine.context.xp_values, SignalType.QUIZ_PASSED: 25}
        context = engine.context._replace(xp_values=xp_values)

        # when
        assert (
            await repair_learners(engine.database, ["ada"], context, engine.clock, announce=False)
        ).rows_differing > 0

        # then
        levels = "FROM lms_xp_histogram GROUP BY 1, 2, 3 HAVING sum(learners) <> 0 ORDER BY 1, 2, 3"
        places = "FROM lms_xp GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        assert await rows(engine.database, f"SELECT course_id, period, xp, sum(learners) {levels}") == await rows(
            engine.database, f"SELECT course_id, period, xp, count(*) {places}"
        )


async def test_a_day_that_is_none_is_removed(new_sqlite: NewDatabase) -> None:
    async with furnished(new_sqlite()) as engine:
        before = await everything(engine.database)
        for day in ("20261129", "someday"):
            await change(
                engine.database, "INSERT INTO lms_event_daily VALUES ('?', 'VIDEO_PING', 0, 7)".replace("?", day)
            )
        assert [str(difference.key[0]) for difference in await found_in(engine)] == ["20261129", "someday"]
        assert await repair_daily(engine.database, engine.context) == 2
        assert await everything(engine.database) == before


async def test_all_derived_tables_come_back_from_nothing(database_url: str, rule: BreakableRule) -> None:
    async with furnished(database_url) as engine:
        before = await everything(engine.database)
        async with engine.database.write() as connection:
            for table in DERIVED:
                await connection.execute(delete(table))

        done = await rebuilt(engine, "ada", "bob", "zoe")
        await repair_daily(engine.database, engine.context)

        assert await everything(engine.database) == before
        assert done.signals_gained == len(before["lms_signal"])
        assert done.rows_differing == sum(len(before[shape.table.name]) for shape in SHAPES)
        assert done.parked == 2

    assert rule.broken


async def test_learners_whose_rows_the_database_refuses_are_named_and_left_as_they_were(database_url: str) -> None:
    learners = [f"learner-{number}" for number in range(7)]

    async with running(database_url, HandClock(NOW)) as engine:
        # given that everything derived is lost, and that some rows of one learner would be refused
        await engine.ingest.submit([ping(at(0), user_id=user_id, class_id="b") for user_id in learners])
        await engine.ingest.submit([ping(at(0), user_id="learner-4", class_id="poison")])
        await change(engine.database, "DELETE FROM lms_progress", "DELETE FROM lms_learner")
        await change(engine.database, "DELETE FROM lms_xp", "DELETE FROM lms_xp_histogram")
        await refuse_class(engine.database, "lms_progress", "poison")

        # when
        done = await rebuilt(engine, *learners)

        # then
        assert done == RepairResult(rows_differing=6 * 5, refused=("learner-4",))
        others = sorted(set(learners) - {"learner-4"})
        assert await rows(engine.database, "SELECT user_id FROM lms_learner ORDER BY 1") == [(u,) for u in others]
        assert {difference.key[0] for difference in await found_in(engine)} == {"learner-4"}


async def test_signals_that_are_gained_go_out_only_on_request(new_database: NewDatabase) -> None:
    async def gained_messages(*, announce: bool) -> list[tuple[Any, ...]]:
        async with furnished(new_database()) as engine:
            messages = await rows(engine.database, MESSAGES)
            await change(
                engine.database,
                "DELETE FROM lms_signal WHERE user_id = 'ada' AND type IN ('QUIZ_PASSED', 'COURSE_COMPLETED')",
                "DELETE FROM lms_outbox WHERE user_id = 'ada'",
            )
            kept = await rows(engine.database, MESSAGES)
            done = await rebuilt(engine, "ada", announce=announce)
            assert (done.signals_gained, done.signals_lost) == (2, 0)
            after = await rows(engine.database, MESSAGES)
            assert set(after) <= set(messages)
            return sorted(set(after) - set(kept))

    assert await gained_messages(announce=False) == []
    assert len(await gained_messages(announce=True)) == 2


MESSAGES = "SELECT user_id, CAST(message_id AS text), CAST(body AS text) FROM lms_outbox"


async def test_what_a_version_is_still_to_grant_is_announced_all_the_same(database_url: str) -> None:
    clock = HandClock(NOW)
    async with running(database_url, clock) as engine:
        await engine.ingest.submit([ping(at(0))])
        await publish(engine.database, "x", "X", (step("a"),), clock)

        done = await rebuilt(engine, "ada")

        assert done == RepairResult()
        assert await value(engine.database, "SELECT count(*) FROM lms_outbox") == 3


async def test_a_version_that_is_published_meanwhile_is_granted_first(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    courses = ["y", "x"]

    clock = HandClock(NOW)
    async with running(database_url, clock) as engine:
        await engine.ingest.submit([ping(at(0))])

        async def with_news(
            connection: AsyncConnection, user_ids: Sequence[str], rules: Sequence[Rule]
        ) -> dict[str, LearnerState]:
            if courses:
                await publish(engine.database, courses.pop(), "", (step("a"),), clock)
            return await read_learner_states(connection, user_ids, rules)

        monkeypatch.setattr(repair, "read_learner_states", with_news)
        assert await rebuilt(engine, "ada") == RepairResult()
        assert await value(engine.database, "SELECT count(*) FROM lms_outbox") == 5


async def test_a_mended_rule_is_rebuilt_as_if_it_had_never_failed(
    new_database: NewDatabase, rule: BreakableRule
) -> None:
    async def after_failing() -> dict[str, list[tuple[Any, ...]]]:
        async with furnished(new_database()) as engine:
            rule.broken = False
            done = await rebuilt(engine, "ada", "bob", "zoe")
            assert (done.signals_gained, done.signals_lost, done.parked) == (1, 0, 0)
            assert await value(engine.database, "SELECT count(*) FROM lms_retry") == 0
            return await derived(engine.database)

    async def at_once() -> dict[str, list[tuple[Any, ...]]]:
        async with furnished(new_database()) as engine:
            return await derived(engine.database)

    assert await after_failing() == await at_once()


async def test_changed_worth_is_rebuilt_into_all_xp(database_url: str) -> None:
    async with furnished(database_url) as engine:
        context = engine.context._replace(xp_values=dict.fromkeys(SignalType, 0) | {SignalType.QUIZ_PASSED: 7})
        await repair_learners(engine.database, ["ada", "bob", "zoe"], context, engine.clock, announce=True)
        assert await rows(engine.database, "SELECT user_id, xp FROM v_leaderboard") == [("ada", 7)]
        assert await value(engine.database, "SELECT sum(xp) FROM lms_signal") == 7


async def test_what_comes_in_before_the_lock_is_rebuilt_too(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    late = [ping(at(2), class_id="late"), ping(at(2), user_id="new")]

    async with furnished(database_url) as engine:

        async def with_news(
            connection: AsyncConnection, user_ids: Sequence[str], rules: Sequence[Rule]
        ) -> dict[str, LearnerState]:
            evidence = await read_learner_states(connection, user_ids, rules)
            if late:
                await engine.ingest.submit([late.pop() for _ in list(late)])
            return evidence

        monkeypatch.setattr(repair, "read_learner_states", with_news)
        await change(engine.database, "DELETE FROM lms_xp", "DELETE FROM lms_xp_histogram")
        await rebuilt(engine, "ada", "bob", "new", "zoe")
        assert await value(engine.database, "SELECT count(*) FROM lms_progress WHERE class_id = 'late'") == 1
        assert await found_in(engine) == []


async def test_a_learner_without_the_row_to_lock_is_locked_all_the_same(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submissions: list[asyncio.Task[Receipt]] = []

    async with furnished(database_url) as engine, running(database_url, HandClock(NOW)) as other:

        async def with_news(connection: AsyncConnection, user_ids: Sequence[str]) -> dict[str, int]:
            """Under the lock: somebody posts for that learner, and has to wait."""
            submissions.append(asyncio.create_task(other.ingest.submit([ping(at(2), class_id="late")])))
            await asyncio.wait(submissions, timeout=A_WHILE_SEC)
            assert not submissions[0].done()
            return await count_events(connection, user_ids)

        monkeypatch.setattr(repair, "count_events", with_news)
        await change(engine.database, "DELETE FROM lms_xp", "DELETE FROM lms_xp_histogram")
        await change(engine.database, "DELETE FROM lms_learner WHERE user_id = 'ada'")
        await rebuilt(engine, "ada", "bob", "zoe")

        assert (await submissions[0]).accepted == 1
        assert await value(engine.database, "SELECT count(*) FROM lms_progress WHERE class_id = 'late'") == 1
        assert await found_in(engine) == []


A_WHILE_SEC = 0.3
"""Long enough for somebody to do what a lock should keep them from."""


@asynccontextmanager
async def posting(engine: Engine, learners: Sequence[str]) -> AsyncIterator[None]:
    """Somebody posts for those learners, two of them at a time, for as long as the block lasts, and never in vain."""
    ends = asyncio.Event()

    async def post() -> None:
        for number in count():
            pair = [learners[(number + n) % len(learners)] for n in (0, 3)]
            events = [ping(at(0), 50 + number % 50, user_id=user_id, class_id=f"{number % 9}") for user_id in pair]
            assert (await engine.ingest.submit(events)).accepted == len(events)
            if ends.is_set():
                return

    task = asyncio.create_task(post())
    try:
        yield
    finally:
        ends.set()
        await task


@pytest.mark.slow
async def test_rebuilding_while_events_come_in_loses_nothing(database_url: str) -> None:
    learners = [f"learner-{number}" for number in range(8)]

    async with running(database_url, HandClock(NOW)) as engine, running(database_url, HandClock(NOW)) as other:
        await engine.publish("x", "X", (step("1"), step("2")))
        async with posting(other, learners):
            for shape in SHAPES * 3:
                async with engine.database.write() as connection:
                    await connection.execute(delete(shape.table))
                await rebuilt(engine, *learners)
        await rebuilt(engine, *learners)
        await repair_histogram(engine.database, engine.context)
        assert await found_in(engine) == []
