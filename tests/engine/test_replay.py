"""Replaying: it builds what live processing would have, whatever goes on beside it and whatever happens to it."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings

from engine.engine import Engine
from engine.limits import Limits
from engine.replay import catch_up, swap
from engine.replay.run import replay
from engine.replay.store import ReplayReport, ReplayRequest, start
from eventstore.db.replay_lock import replay_lock
from eventstore.errors import AlreadyRunningError, NotFoundError
from signals.signal import SignalType
from signals.xp import DEFAULT_XP_VALUES
from tests.conftest import opened
from tests.engine.delivery import deliver, publish_after
from tests.engine.replays import UNCHANGED, filled, replayed
from tests.engine.rows import change, rows, value
from tests.engine.support import HandClock, at, ping, quiz, running, step
from tests.engine.worlds import Delivery, World, delivered_worlds_with_slots, end, law
from tests.support.derived import Rows, derived

pytestmark = pytest.mark.slow

NewDatabase = Callable[[], str]
LAST = "SELECT status, events_done, events_total, signals_gained, rows_differing, error FROM lms_replay"


@pytest.fixture
def clock() -> HandClock:
    return HandClock(at(3))


@pytest.fixture(params=[100, -1], ids=["in place", "swapped in"])
def limits(request: pytest.FixtureRequest) -> Limits:
    """Few learners that differ are replaced in place, or the shadow is swapped in for them, too."""
    return Limits(in_place_learners=request.param)


@settings(law, max_examples=20)
@given(delivered_worlds_with_slots(min_size=1))
async def test_a_replay_at_any_time_changes_nothing(
    new_sqlite: NewDatabase, limits: Limits, delivered: tuple[World, Delivery, set[int]]
) -> None:
    world, delivery, replayed_after = delivered

    clock = HandClock()
    async with running(new_sqlite(), clock, limits) as engine:
        for slot, batches in enumerate(delivery):
            clock.now = end(slot)
            await deliver(engine, batches, clock, at_once=False)
            await publish_after(slot, world, engine, clock)
            if slot in replayed_after:
                before = await derived(engine.database)
                assert await replayed(engine) == UNCHANGED
                assert await derived(engine.database) == before


async def test_what_was_lost_added_or_changed_is_put_right_and_reported(engine: Engine) -> None:
    right = await filled(engine)
    await change(
        engine.database,
        "UPDATE lms_progress SET video_max_position_sec = 7 WHERE user_id = 'bob' AND class_id = 'a'",
        "DELETE FROM lms_signal WHERE user_id = 'cleo' AND type = 'STEP_COMPLETED'",
        "UPDATE lms_signal SET user_id = 'nobody' WHERE user_id = 'cleo'",
        "DELETE FROM lms_xp WHERE user_id = 'ada'",
        "DELETE FROM lms_learner WHERE user_id = 'bob'",
        "UPDATE lms_event_daily SET events = events + 1 WHERE day = '2026-11-29'",
    )
    boards = len([row for row in right["lms_xp"] if row[0] == "ada"])

    assert await replayed(engine) == {
        "parked": 0,
        "signals_gained": 2,
        "signals_lost": 1,
        "rows_differing": 1 + 3 + boards + 1 + 1,
    }
    assert await derived(engine.database) == right
    assert await rows(engine.database, LAST) == [("finished", 7, 7, 2, 6 + boards, None)]


async def test_after_a_replay_live_processing_goes_on_where_it_was(new_database: NewDatabase, limits: Limits) -> None:
    later = [quiz(at(2), user_id="bob", class_id="b"), ping(at(0.5), user_id="ada", class_id="a")]

    async def outcome(*, replays: bool) -> Rows:
        async with running(new_database(), HandClock(at(3)), limits) as engine:
            await filled(engine)
            for event in later:
                if replays:
                    assert await replayed(engine) == UNCHANGED
                await engine.ingest.submit([event])
            return await derived(engine.database)

    assert await outcome(replays=True) == await outcome(replays=False)


async def test_a_changed_rule_gives_what_a_new_database_would_have(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    async with (
        running(new_database(), HandClock(at(3)), limits) as engine,
        running(new_database(), HandClock(at(3)), limits) as new,
    ):
        before = await filled(engine)
        rule = importlib.import_module("projections.rules.video_progress")  # the package has the function by that name
        monkeypatch.setattr(rule, "COMPLETE_SHARE", Decimal("0.95"))
        changed = await filled(new)
        report = await replayed(engine)

        assert changed != before
        assert await derived(engine.database) == changed
        # bob has seen 92 % of the second video
        assert (report["signals_gained"], report["signals_lost"]) == (0, 1)
        assert await replayed(engine) == UNCHANGED


async def test_changed_xp_gives_what_a_new_database_would_have(new_database: NewDatabase, limits: Limits) -> None:
    xp_values = {**DEFAULT_XP_VALUES, SignalType.STEP_COMPLETED: 7, SignalType.QUIZ_PASSED: 0}

    url, clock = new_database(), HandClock(at(3))
    async with running(url, clock, limits) as engine:
        await filled(engine)
    async with opened(url) as database, Engine(database, xp_values, clock, limits=limits) as engine:
        assert (await replayed(engine))["signals_lost"] == 0
        found = await derived(database)
    async with opened(new_database()) as database, Engine(database, xp_values, clock, limits=limits) as new:
        assert found == await filled(new)


async def test_it_can_be_limited_to_a_learner_or_a_course(engine: Engine) -> None:
    tampering = "UPDATE lms_progress SET video_max_position_sec = 7"
    wrong = "SELECT user_id FROM lms_progress WHERE video_max_position_sec = 7 ORDER BY user_id"

    await filled(engine)
    await engine.ingest.submit([ping(at(1), user_id="elsewhere", class_id="z")])
    right = await derived(engine.database)
    await change(engine.database, tampering)

    assert (await replayed(engine, user_id="bob"))["rows_differing"] == 2
    assert await rows(engine.database, wrong) == [("ada",), ("ada",), ("cleo",), ("elsewhere",)]
    assert (await replayed(engine, course_id="course"))["rows_differing"] == 3
    assert await rows(engine.database, wrong) == [("elsewhere",)]
    assert (await replayed(engine, user_id="elsewhere", course_id="course"))["rows_differing"] == 0
    assert (await replayed(engine, user_id="elsewhere"))["rows_differing"] == 1
    assert await derived(engine.database) == right
    with pytest.raises(NotFoundError, match="there is no published course with the id 'no course'"):
        await replayed(engine, course_id="no course")


async def test_nothing_is_sent_out_again_unless_it_is_asked_for(engine: Engine) -> None:
    sent = "SELECT count(*) FROM lms_outbox"

    await filled(engine)
    signals = await value(engine.database, "SELECT count(*) FROM lms_signal")
    assert await value(engine.database, sent) == signals
    for request in ({}, {"user_id": "ada"}):
        await change(engine.database, "DELETE FROM lms_outbox", "DELETE FROM lms_signal WHERE user_id = 'ada'")
        gained = (await replayed(engine, **request))["signals_gained"]
        assert await value(engine.database, sent) == 0
        await change(engine.database, "DELETE FROM lms_signal WHERE user_id = 'ada'")
        assert (await replayed(engine, **request, publish=True))["signals_gained"] == gained > 0
        assert await value(engine.database, sent) == gained


async def test_pieces_done_by_several_processes_are_put_together(database_url: str, limits: Limits) -> None:
    limits = replace(limits, python_fold_seqs=5, derive_learners=2)
    learners = [f"learner-{number}" for number in range(15)]
    seen: dict[str, int] = {}

    def watch(what: str, done: int, _: int) -> None:
        seen[what] = done

    async with running(database_url, HandClock(at(3)), limits) as engine:
        await filled(engine)
        await engine.ingest.submit([ping(at(1), user_id=learner) for learner in learners])
        before = await derived(engine.database)
        report = await replay(engine.database, engine.context, engine.clock, ReplayRequest(workers=3), watch)

        assert report == ReplayReport(22, 0, 0, 0, 0)
        assert seen == {"events": 22, "learners": 18, "swap": 1}
        assert await derived(engine.database) == before


async def test_events_and_versions_that_come_meanwhile_are_caught_up_with(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    happenings: list[Callable[[Engine], Awaitable[object]]] = [
        lambda engine: engine.ingest.submit([quiz(at(2), user_id="bob", class_id="b")]),
        lambda engine: engine.publish("course", "Shorter", (step("a"),)),
        lambda engine: engine.ingest.submit([ping(at(2), user_id="new", class_id="a")]),
        lambda engine: engine.publish("other", "Other", (step("b", "quiz"),)),
        lambda engine: engine.ingest.submit([ping(at(2.5), user_id="cleo", class_id="b")]),
    ]

    async def live() -> Rows:
        async with running(new_database(), HandClock(at(3)), limits) as engine:
            await filled(engine)
            for happen in happenings:
                await happen(engine)
            return await derived(engine.database)

    async def meanwhile() -> Rows:
        left = happenings.copy()
        original = catch_up.CatchUp.run

        async def run(self: catch_up.CatchUp) -> set[str]:
            caught_up = await original(self)
            if left:
                await left.pop(0)(engine)
            return caught_up

        async with running(new_database(), HandClock(at(3)), limits) as engine:
            await filled(engine)
            monkeypatch.setattr(catch_up.CatchUp, "run", run)
            while left:
                assert await replayed(engine) == UNCHANGED
            return await derived(engine.database)

    assert await meanwhile() == await live()


async def test_all_that_is_left_for_the_last_round_is_taken_in_by_as_many_chunks_as_it_makes(
    database_url: str, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    limits = replace(limits, catch_up_events=2)
    original = catch_up.CatchUp.run

    async with running(database_url, HandClock(at(3)), limits) as engine:
        await filled(engine)
        users = ["new", "newer", "newest", "last", "very last"]
        left = [[ping(at(2), user_id=user, class_id=class_id) for user in users] for class_id in ("a", "b")]

        async def run(self: catch_up.CatchUp) -> set[str]:
            caught_up = await original(self)
            if left:
                await engine.ingest.submit(left.pop())
            return caught_up

        monkeypatch.setattr(catch_up.CatchUp, "run", run)
        assert await replayed(engine) == UNCHANGED
        assert left == []
        assert await replayed(engine) == UNCHANGED


async def test_only_one_runs_at_a_time_and_a_second_is_refused_with_its_id(engine: Engine) -> None:
    other = "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11"
    async with replay_lock(engine.database.engine) as alone:
        assert alone
        await start(engine.database, other, ReplayRequest(), at(3))
        with pytest.raises(AlreadyRunningError, match=other) as refusal:
            await replayed(engine)
        assert refusal.value.replay_id == other
    assert await replayed(engine) == UNCHANGED
    assert await rows(engine.database, "SELECT status FROM lms_replay ORDER BY status") == [
        ("finished",),
        ("interrupted",),
    ]


async def test_one_that_fails_leaves_everything_as_it_was_and_says_why(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out_of_luck(*_: object) -> None:
        raise RuntimeError("out of luck")

    before = await filled(engine)
    monkeypatch.setattr(swap, "finish", out_of_luck)
    with pytest.raises(RuntimeError, match="out of luck"):
        await replayed(engine)
    ((status, *_, error),) = await rows(engine.database, LAST)
    assert status == "failed"
    assert "out of luck" in error
    assert await derived(engine.database) == before
    monkeypatch.undo()
    assert await replayed(engine) == UNCHANGED
