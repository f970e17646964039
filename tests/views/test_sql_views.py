"""The SQL views as people with `sqlite3` and `psql` find them: these columns, in this order, with these values."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.conftest import opened
from tests.engine.rows import is_sqlite, rows
from tests.engine.support import HandClock, at, ping, quiz, running, step
from views import VIEWS

COLUMNS = {
    "v_user_progress": [
        "user_id",
        "class_id",
        "course_id",
        "video_max_position_sec",
        "video_completed",
        "quiz_passed",
        "quiz_score",
        "video_completed_at",
        "quiz_passed_at",
    ],
    "v_event_daily_stats": ["day", "type", "events"],
    "v_message_daily_stats": ["day", "source", "topic", "type", "messages"],
    "v_signal_summary": ["user_id", "type", "signals"],
    "v_leaderboard": ["user_id", "xp", "rank"],
    "v_user_activity": ["user_id", "last_activity_at", "events_24h"],
}


def test_every_view_is_documented() -> None:
    assert VIEWS.keys() == COLUMNS.keys()


@pytest.mark.parametrize("name", COLUMNS)
async def test_a_view_has_the_documented_columns_in_the_documented_order(shared_url: str, name: str) -> None:
    async with opened(shared_url) as database, database.read() as connection:
        found = await connection.execute(text(f"SELECT * FROM {name}"))  # noqa: S608

        assert list(found.keys()) == COLUMNS[name]


async def test_views_show_what_learners_did(database_url: str) -> None:
    async with running(database_url, HandClock(at(9))) as engine:
        # given a learner who watched a video to the end and failed, then passed its quiz; and one who just began
        await engine.publish("x", "", (step("a", "both"),))
        ada = [ping(at(0), 95.9), quiz(at(1), 3.9, passed=False), quiz(at(2), 8.5)]
        await engine.ingest.submit([*ada, ping(at(3), 1.5, user_id="bob", class_id="b", course_id="y")])

        # then
        progress = "SELECT user_id, class_id, course_id, video_max_position_sec, video_completed, quiz_passed, "
        progress += "quiz_score FROM v_user_progress ORDER BY user_id"
        assert await rows(engine.database, progress) == [
            ("ada", "a", "x", 95, 1, 1, 8),
            ("bob", "b", "y", 1, 0, 0, None),
        ]
        daily = "SELECT CAST(day AS TEXT), type, events FROM v_event_daily_stats ORDER BY day"
        assert await rows(engine.database, daily) == [
            ("2026-11-28", "VIDEO_PING", 1),
            ("2026-11-29", "QUIZ_SUBMIT", 1),
            ("2026-11-30", "QUIZ_SUBMIT", 1),
            ("2026-12-01", "VIDEO_PING", 1),
        ]
        summary = "SELECT user_id, type, signals FROM v_signal_summary ORDER BY type"
        assert await rows(engine.database, summary) == [
            ("ada", kind, 1) for kind in ("COURSE_COMPLETED", "QUIZ_PASSED", "STEP_COMPLETED", "VIDEO_COMPLETED")
        ]
        assert await rows(engine.database, "SELECT * FROM v_leaderboard") == [("ada", 160, 1)]


async def test_activity_counts_exactly_the_events_of_the_last_24_hours(database_url: str) -> None:
    """By the database's own clock: a minute before and after the edge, more than this test takes."""

    now = datetime.now(UTC)
    day_ago = now - timedelta(hours=24)
    minute = timedelta(minutes=1)
    async with running(database_url, HandClock(now)) as engine:
        await engine.ingest.submit(
            [
                *(ping(instant) for instant in (now, day_ago + minute, day_ago - minute, day_ago - 50 * minute)),
                ping(day_ago - minute, user_id="bob"),
            ]
        )
        found = await rows(engine.database, "SELECT * FROM v_user_activity ORDER BY user_id")

        assert [(user_id, number) for user_id, _, number in found] == [("ada", 2), ("bob", 0)]
        latest = [datetime.fromisoformat(str(instant)) for _, instant, _ in found]
        assert latest == [now, day_ago - minute]


async def test_times_in_sqlite_are_text_that_sorts_as_time(database_url: str) -> None:
    async with running(database_url, HandClock(at(9))) as engine:
        await engine.ingest.submit([ping(at(0)), ping(at(1, 1), user_id="bob")])
        found = await rows(engine.database, "SELECT last_activity_at FROM v_user_activity ORDER BY 1")

        if is_sqlite(engine.database):
            assert found == [("2026-11-28T00:00:00.000000Z",), ("2026-11-29T00:00:00.000001Z",)]
        else:
            assert found == [(at(0),), (at(1, 1),)]
