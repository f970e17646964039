"""Publishing: versions count up in time, and what they grant arrives whole, even after being cut off."""

from typing import Any

import pytest

from engine.courses import backfill as backfilling
from engine.courses import publish as publishing
from engine.engine import Engine
from engine.limits import Limits
from eventstore.errors import UnavailableError
from signals.signal import SignalType
from tests.conftest import opened
from tests.engine.rows import rows, value
from tests.engine.support import INSTANT, HandClock, at, ping, running, step
from tests.support.derived import derived

SHOWN = "SELECT class_id, course_id FROM v_user_progress ORDER BY class_id"
A, B = (step("a"),), (step("b"),)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(at(9))


async def test_versions_count_up_and_an_unchanged_course_publishes_nothing(database_url: str) -> None:
    clock = HandClock(at(0))
    async with running(database_url, clock) as engine:
        published = []
        for day, (title, steps) in enumerate([("X", A), ("X", A), ("Y", A), ("Y", B), ("Y", B), ("X", A)]):
            clock.now = at(day)
            version = await engine.publish("x", title, steps)
            published.append(version and (version.version, version.published_at))

        assert published == [(1, at(0)), None, (2, at(2)), (3, at(3)), None, (4, at(5))]
        assert await value(engine.database, "SELECT count(*) FROM lms_course_version") == 4
        assert await value(engine.database, "SELECT count(*) FROM lms_grant WHERE finished_at IS NULL") == 0


async def test_a_clock_that_was_set_back_does_not_publish_before_what_has_happened(database_url: str) -> None:
    clock = HandClock(at(3))
    async with running(database_url, clock) as engine:
        # given a version, and an event that occurred after it but was not the last to be recorded
        first = await engine.publish("x", "X", A)
        await engine.ingest.submit([ping(at(5))])
        await engine.ingest.submit([ping(at(1), class_id="b")])

        # when the clock is set back, and two versions are published
        clock.now = at(0)
        second = await engine.publish("x", "X", B)
        third = await engine.publish("x", "X", A)

        # then they come strictly after the event and after each other
        published = [version.published_at for version in (first, second, third) if version]
        assert published == [at(3), at(5) + INSTANT, at(5) + 2 * INSTANT]


async def test_a_longer_course_takes_nothing_away_and_a_shorter_one_grants_when_it_is_published(
    database_url: str,
) -> None:
    clock = HandClock(at(0))
    async with running(database_url, clock) as engine:
        await engine.publish("x", "X", A)
        clock.now = at(1)
        await engine.ingest.submit([ping(at(1))])

        clock.now = at(2)
        await engine.publish("x", "X", A + B)
        assert await completed(engine) == [("ada", at(1))]

        clock.now = at(3)
        await engine.ingest.submit([ping(at(3), user_id="bob", class_id="b")])
        assert await completed(engine) == [("ada", at(1))]

        clock.now = at(4)
        await engine.publish("x", "X", B)
        assert await completed(engine) == [("ada", at(1)), ("bob", at(4))]


async def completed(engine: Engine) -> list[tuple[str, object]]:
    """Who completed a course, and when."""
    signals = (await derived(engine.database))["lms_signal"]
    return sorted((user, instant) for _, kind, user, _, _, instant, _ in signals if kind == SignalType.COURSE_COMPLETED)


class PowerCutError(UnavailableError):
    """Whatever ends a grant in the middle."""


@pytest.mark.parametrize("chunks", [0, 1, 2, 3])
async def test_a_grant_that_was_cut_off_is_finished_by_the_next_engine(
    database_url: str, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    limits = Limits(backfill_learners=2)

    clock = HandClock(at(0))
    async with opened(database_url) as database, Engine(database, clock=clock, limits=limits) as engine:
        # given five learners who did all of a course that is published only now
        await engine.ingest.submit([ping(at(0), user_id=f"user {number}") for number in range(5)])
        clock.now = at(1)
        await publishing.publish(database, "x", "X", A, clock)

        # when what it grants is cut off after some chunks
        with monkeypatch.context() as patch:
            patch.setattr(backfilling, "save_backfill_progress", failing_after(chunks))
            with pytest.raises(PowerCutError):
                await backfilling.run_pending_backfills(database, engine.context, clock)
        assert len(await completed(engine)) == min(5, 2 * chunks)
        assert await value(database, "SELECT count(*) FROM lms_grant WHERE finished_at IS NULL") == 1

    # then the next engine finishes it, each learner once
    async with running(database_url, clock) as engine:
        await engine.run_pending_work()
        assert await completed(engine) == [(f"user {number}", at(0)) for number in range(5)]
        assert {row[0] for row in await rows(engine.database, "SELECT xp FROM v_leaderboard")} == {140}
        assert await value(engine.database, "SELECT count(*) FROM lms_outbox") == 15
        assert await value(engine.database, "SELECT count(*) FROM lms_grant WHERE finished_at IS NULL") == 0


def failing_after(chunks: int) -> object:
    """`note`, the last step of a chunk, which works that often and then fails: the chunk is rolled back."""
    note = backfilling.save_backfill_progress
    noted: list[object] = []

    async def cut_off(*arguments: Any) -> None:
        if len(noted) == chunks:
            raise PowerCutError("cut off")
        noted.append(arguments)
        await note(*arguments)

    return cut_off


async def test_a_class_is_shown_under_the_smallest_course_that_its_events_name(engine: Engine) -> None:
    await engine.publish("a course", "", A + B)
    await engine.ingest.submit([ping(at(0), course_id="n"), ping(at(0), class_id="b")])
    assert await rows(engine.database, SHOWN) == [("a", "n"), ("b", "a course")]

    await engine.ingest.submit([ping(at(1), course_id="z"), ping(at(1), course_id="m")])
    assert await rows(engine.database, SHOWN) == [("a", "m"), ("b", "a course")]


async def test_a_class_that_no_event_names_a_course_for_follows_what_is_published(engine: Engine) -> None:
    await engine.ingest.submit([ping(at(0))])
    shown = [await value(engine.database, "SELECT course_id FROM v_user_progress")]
    for course_id, steps in [("y", A), ("z", A), ("x", A + B), ("x", B), ("y", B)]:
        await engine.publish(course_id, "", steps)
        shown.append(await value(engine.database, "SELECT course_id FROM v_user_progress"))

    assert shown == [None, "y", "y", "x", "y", "z"]


async def test_a_class_that_no_course_contains_any_more_is_shown_under_none(engine: Engine) -> None:
    await engine.publish("x", "", A)
    await engine.ingest.submit([ping(at(0))])
    await engine.publish("x", "", ())

    assert await rows(engine.database, SHOWN) == [("a", None)]


async def test_a_late_delivery_moves_xp_to_the_week_in_which_it_was_earned(engine: Engine) -> None:
    weeks = "SELECT period, xp FROM lms_xp WHERE course_id = '' AND period LIKE '%-W%' ORDER BY period"
    await engine.publish("x", "", A)
    await engine.ingest.submit([ping(at(8))])  # Sunday, 6 December
    assert await rows(engine.database, weeks) == [("2026-W49", 140)]

    await engine.ingest.submit([ping(at(2))])  # Monday, 30 November: the same week
    assert await rows(engine.database, weeks) == [("2026-W49", 140)]

    await engine.ingest.submit([ping(at(2, -1))])  # the last microsecond of the week before
    assert await rows(engine.database, weeks) == [("2026-W48", 140)]
    assert await value(engine.database, "SELECT sum(xp) FROM v_leaderboard") == 140
