"""The monitor on the example platform in a real PostgreSQL: what students do there is taken in, and once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic_core import from_json

from bootstrap.composition import open_inbox
from bootstrap.monitoring import open_monitor
from bootstrap.settings import AllSettings, Settings
from integrations.platform_monitor import poller, queries, store
from tests.cli.support import Ended, query, run
from tests.faults.traffic import until
from tests.integrations.monitored import MAPPING, ON, activities, marked, poll, progress, publish, told
from tests.support.platform import Platform
from tests.support.processes import command
from tests.support.serving import serving


@pytest.fixture
def mapping_file(tmp_path: Path) -> Path:
    file = tmp_path / "mapping.toml"
    file.write_text(MAPPING)
    return file


def test_what_students_do_is_progress(
    database_url: str, platform: Platform, mapping_file: Path, tmp_path: Path
) -> None:
    publish(database_url, tmp_path)
    platform.sit(1, 1, **marked(17, percentage=85))
    platform.sit(2, 1, **marked(9, "fail"))
    platform.look(1, 1, state="completed", completed_at=datetime.now(UTC))
    platform.look(2, 2, state="completed", completed_at=datetime.now(UTC))
    platform.look(3, 3, state="completed", completed_at=datetime.now(UTC))

    assert poll(database_url, platform, LMS_MAPPING_FILE=str(mapping_file)) == 12

    assert progress(database_url) == [
        ("1", "leaves", 300, 1, None, 0),
        ("1", "numbers", 0, 0, 17, 1),
        ("2", "numbers", 0, 0, 9, 0),
        ("2", "roots", 1, 1, None, 0),
    ]
    signals = query(database_url, "SELECT user_id, type FROM lms_signal ORDER BY user_id, type, class_id")
    assert signals == [
        ("1", "QUIZ_PASSED"),
        ("1", "STEP_COMPLETED"),
        ("1", "STEP_COMPLETED"),
        ("1", "VIDEO_COMPLETED"),
        ("2", "STEP_COMPLETED"),
        ("2", "VIDEO_COMPLETED"),
    ]


def test_each_state_of_a_row_is_taken_in_once(database_url: str, platform: Platform) -> None:
    attempt = platform.sit(1, 1)
    assert poll(database_url, platform) == 1
    platform.change(attempt, completed_at=datetime.now(UTC))
    assert poll(database_url, platform) == 1
    assert poll(database_url, platform) == 0
    platform.change(attempt, result="fail", score=9)
    assert poll(database_url, platform) == 1
    platform.change(attempt, result="pass", score=17)
    assert [poll(database_url, platform) for _ in range(2)] == [1, 0]

    assert sorted(kind for _, kind in activities(database_url)) == [
        "exam_completed", "exam_failed", "exam_passed", "exam_started",
    ]  # fmt: skip
    counted = "SELECT CAST(sum(messages) AS INTEGER) FROM v_message_daily_stats WHERE source = 'activity'"
    assert query(database_url, counted) == [(4,)]


async def test_what_is_committed_late_is_not_missed(database_url: str, platform: Platform) -> None:
    """The transaction began half an hour before what was read meanwhile, by its own time."""

    def poll_process() -> int:
        platform.sit(1, 1)
        done = command("monitor", "--once", LMS_DATABASE_URL=database_url, **platform.settings)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[-1])

    connection = await asyncpg.connect(platform.url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(
        "INSERT INTO exam_attempts (student_id, exam_id, started_at, updated_at)"
        " SELECT 2, 1, at, at FROM (SELECT now() - interval '30 minutes' AS at) AS t"
    )
    new = [await asyncio.to_thread(poll_process) for _ in range(3)]
    await transaction.commit()
    await connection.close()
    new.append(await asyncio.to_thread(poll_process))

    assert new == [1, 1, 1, 2]
    assert ("2", "exam_started") in await asyncio.to_thread(activities, database_url)


def test_however_many_rows_were_changed_at_one_instant_each_is_read(
    database_url: str, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (poller, queries):
        monkeypatch.setattr(module, "PAGE", 3)
    at = datetime.now(UTC)
    for number in range(10):
        platform.sit(1 + number % 3, 1, started_at=at + timedelta(seconds=number), updated_at=at)

    assert [poll(database_url, platform) for _ in range(2)] == [10, 0]


def test_only_the_types_that_are_asked_for_are_taken_in(database_url: str, platform: Platform) -> None:
    platform.sit(1, 1, **marked(17))
    platform.look(1, 1)

    assert poll(database_url, platform, LMS_EVENT_TYPES_TO_MONITOR="exam_passed, content_watched") == 1

    assert activities(database_url) == [("1", "exam_passed")]


def test_what_is_not_understood_waits_and_is_tried_again(
    database_url: str, platform: Platform, mapping_file: Path, tmp_path: Path
) -> None:
    platform.sit(1, 1, **marked(17))
    platform.sit(2, 2, **marked(-1))
    assert poll(database_url, platform) == 6

    parked = query(database_url, "SELECT type, reason FROM lms_inbox WHERE status = 'parked' ORDER BY message_id")
    assert [reason.partition(":")[0] for _, reason in parked] == ["metadata.score", "activity.exam.1", "metadata.score"]
    assert stats(database_url)["pending_events"] == 3
    publish(database_url, tmp_path)
    settings = platform.settings | {"LMS_MAPPING_FILE": str(mapping_file)}
    ended = run(database_url, "monitor", "--process-pending", stdin=b"", **settings)

    assert ended == Ended(0, "done          1\nparked        2\n", "")
    assert progress(database_url) == [("1", "numbers", 0, 0, 17, 1)]
    assert stats(database_url) == {
        "total_events": 6,
        "processed_events": 4,
        "pending_events": 2,
        "events_with_notifications": 0,
        "events_with_errors": 0,
    }


def stats(url: str) -> dict[str, int]:
    """As `monitor --stats` shows them, less those of mentors. It reads even where nothing is monitored."""
    ended = run(url, "monitor", "--stats")
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    return {line[0]: int(line[1]) for line in lines[1 : lines.index([])]}


def test_mentors_are_told_of_what_is_over(database_url: str, platform: Platform) -> None:
    platform.sit(1, 1, **marked(17))
    platform.sit(2, 1, **marked(3, "fail"))
    platform.sit(3, 1, **marked(20))
    platform.look(1, 1, state="watched", watched_at=datetime.now(UTC))
    platform.look(1, 3, state="completed", completed_at=datetime.now(UTC))

    poll(database_url, platform, **ON)
    poll(database_url, platform, **ON)

    assert told(database_url) == [
        ("1", "content_completed"), ("2", "content_completed"), ("1", "exam_failed"), ("1", "exam_passed"),
        ("2", "exam_passed"),
    ]  # fmt: skip
    [(body,)] = query(database_url, "SELECT body FROM lms_outbox WHERE type = 'exam_failed'")
    said = from_json(body) if isinstance(body, str) else body
    assert said["recipient"] == {
        "user_id": "1", "username": "grace", "name": "Grace Hopper", "email": "grace@mentors.example.org",
        "zulip_user_id": 11,
    }  # fmt: skip
    assert said["activity"]["student_username"] == "bob"


def test_nobody_is_told_when_that_is_off_also_not_later(database_url: str, platform: Platform) -> None:
    platform.sit(1, 1, **marked(17))
    poll(database_url, platform)
    assert told(database_url) == []
    poll(database_url, platform, **ON)
    assert told(database_url) == []


def test_what_was_done_long_before_the_platform_was_first_read_is_progress_and_no_news(
    database_url: str, platform: Platform
) -> None:
    now, long_ago = datetime.now(UTC), datetime.now(UTC) - timedelta(days=2)
    platform.sit(1, 1, started_at=long_ago, updated_at=long_ago, **marked(17) | {"completed_at": long_ago})
    assert poll(database_url, platform, **ON) == 3
    assert told(database_url) == []
    yesterday = now - timedelta(hours=20)
    platform.sit(2, 1, started_at=yesterday, **marked(17) | {"completed_at": yesterday})
    assert poll(database_url, platform, **ON) == 3
    assert told(database_url) == [("1", "exam_passed")]


def settings_of(url: str, platform: Platform, monkeypatch: pytest.MonkeyPatch, **more: str) -> Settings:
    for name, value in (platform.settings | {"LMS_DATABASE_URL": url} | more).items():
        monkeypatch.setenv(name, value)
    return AllSettings()


async def test_mentors_are_read_once_until_they_are_cleared(
    database_url: str, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(database_url, platform, monkeypatch, **ON)

    figures = []
    async with open_inbox(settings) as inbox, open_monitor(settings, inbox) as monitor:
        for step in ("begin", "repeat", "change", "clear"):
            if step == "change":
                await platform.execute("DELETE FROM student_mentors", "INSERT INTO student_mentors VALUES (2, 2)")
            async with inbox.engine.database.write_without_course_lock() as connection:
                if step == "clear":
                    await store.clear(connection, inbox.engine.clock())
            await platform.execute(
                "INSERT INTO exam_attempts (student_id, exam_id, started_at, completed_at, result, updated_at)"
                " VALUES (2, 1, now(), now(), 'pass', now())"
            )
            await monitor.once(asyncio.Event())
            async with inbox.engine.database.read() as connection:
                figures.append(await store.figures(connection))

    assert [(each.students, each.mentors, each.misses) for each in figures] == [
        (1, 1, 1),
        (1, 1, 1),
        (1, 1, 1),
        (1, 1, 2),
    ]
    assert [mentor for mentor, _ in await asyncio.to_thread(told, database_url)] == ["1", "1", "1", "2"]


def test_a_server_monitors_if_it_is_told_to(new_sqlite: Callable[[], str], platform: Platform) -> None:
    platform.sit(1, 1)
    with serving(new_sqlite(), "--dev", **platform.settings | {"LMS_ACTIVITY_POLL_INTERVAL": "0.1"}) as server:
        until(lambda: server.client.get("/v1/stats/activities").json()["total_events"] == 1)
        platform.sit(2, 1)
        until(lambda: server.client.get("/v1/stats/activities").json()["total_events"] == 2)
