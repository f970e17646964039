"""`lms-progress monitor`: what it refuses at once, what it waits for, and how it ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.support import run
from tests.faults.traffic import until
from tests.support.platform import FILL, LAYOUT, Platform, example_platform
from tests.support.postgres import PostgresServer
from tests.support.processes import Process, running

SET_UP = {
    "LMS_ACTIVITY_MONITOR_ENABLED": "true",
    "LMS_ACTIVITY_LAYOUT_FILE": str(LAYOUT),
    "LMS_DB_NAME": "platform",
    "LMS_DB_HOST": "127.0.0.1",
    "LMS_DB_PORT": "1",
    "LMS_DB_PASSWORD": "hidden-password",
}
AWAY = "expected an answer from the platform's database, found: ConnectionRefusedError"


@pytest.fixture
def platform(postgres: PostgresServer) -> Iterator[Platform]:
    with example_platform(postgres) as platform:
        platform.run(FILL)
        yield platform


NOT_ENABLED = "LMS_ACTIVITY_MONITOR_ENABLED: expected true, found false: nothing is monitored"
NO_LAYOUT = "LMS_ACTIVITY_LAYOUT_FILE: expected the file that names the platform's tables, found nothing"
NO_TYPE = (
    "LMS_EVENT_TYPES_TO_MONITOR: expected some of exam_started, exam_completed, exam_failed, exam_passed, "
    "content_started, content_completed, content_watched, separated by commas, found 'exam_passed,exam_eaten'"
)


@pytest.mark.parametrize(
    ("without", "more", "reason"),
    [
        ("LMS_ACTIVITY_MONITOR_ENABLED", {}, NOT_ENABLED),
        ("LMS_ACTIVITY_LAYOUT_FILE", {}, NO_LAYOUT),
        ("LMS_DB_NAME", {}, "LMS_DB_NAME: expected the platform's database, found nothing"),
        ("", {"LMS_DB_PORT": "0"}, "LMS_DB_PORT: expected greater than or equal to 1, found '0'"),
        ("", {"LMS_ACTIVITY_POLL_INTERVAL": "0"}, "LMS_ACTIVITY_POLL_INTERVAL: expected greater than 0, found '0'"),
        ("", {"LMS_EVENT_TYPES_TO_MONITOR": "exam_passed,exam_eaten"}, NO_TYPE),
    ],
)
@pytest.mark.parametrize("option", ["--once", "--daemon", "--process-pending", "--clear-mentors"])
def test_what_cannot_be_monitored_is_refused_before_the_database_is_touched(
    tmp_path: Path, option: str, without: str, more: dict[str, str], reason: str
) -> None:
    database = tmp_path / "lms.db"
    settings = {name: value for name, value in SET_UP.items() if name != without} | more

    ended = run(f"sqlite:///{database}", "monitor", option, stdin=b"", **settings)

    assert (ended.code, ended.out, ended.err) == (1, "", f"lms-progress: {reason}\n")
    assert not database.exists()


def test_it_does_one_thing_at_a_time(new_sqlite: Callable[[], str]) -> None:
    ended = run(new_sqlite(), "monitor", "--once", "--stats", stdin=b"", **SET_UP)
    expected = "only one of --daemon, --once, --process-pending, --stats and --clear-mentors is allowed"
    assert (ended.code, ended.err) == (1, f"lms-progress: {expected}\n")


@pytest.mark.slow
def test_a_platform_that_is_away_ends_a_single_poll_and_is_waited_for_else(new_sqlite: Callable[[], str]) -> None:
    url = new_sqlite()
    assert run(url, "monitor", "--once", stdin=b"", **SET_UP).err == f"lms-progress: {AWAY}\n"

    with running(Process, "Monitoring", "monitor", LMS_DATABASE_URL=url, **SET_UP) as monitor:
        until(lambda: AWAY in monitor.log)
        monitor.stop()
        assert monitor.log.count("\n") == 1


def test_one_process_at_a_time_polls(new_sqlite: Callable[[], str], platform: Platform) -> None:
    url = new_sqlite()
    settings = platform.settings | {"LMS_DATABASE_URL": url}
    with running(Process, "Monitoring", "monitor", "--verbose", "--interval", "0.1", **settings) as monitor:
        until(lambda: "content_progress: 0 rows read, 0 new activities" in monitor.log)
        refused = run(url, "monitor", "--once", stdin=b"", **platform.settings)
    expected = "expected no other monitor at work, found one, such as a server's: that one polls"
    assert (refused.code, refused.err) == (1, f"lms-progress: {expected}\n")
    assert run(url, "monitor", "--once", stdin=b"", **platform.settings).code == 0


def test_mentors_are_cleared_by_command(new_sqlite: Callable[[], str]) -> None:
    ended = run(new_sqlite(), "monitor", "--clear-mentors", stdin=b"", **SET_UP)
    assert (ended.code, ended.out) == (0, "The next poll reloads which mentors each student has.\n")


def test_figures_are_shown_wherever_the_database_is(new_sqlite: Callable[[], str], platform: Platform) -> None:
    url = new_sqlite()
    platform.sit(1, 1)
    assert (
        run(url, "monitor", "--once", stdin=b"", **platform.settings).out
        == "rows read             1\nnew activities        1\n"
    )

    shown = run(url, "monitor", "--stats").out

    numbers = dict(line.split() for line in shown.splitlines() if len(line.split()) == 2 and line.split()[1].isdigit())
    assert numbers == {
        "total_events": "1", "processed_events": "1", "pending_events": "0", "events_with_notifications": "0",
        "events_with_errors": "0", "students": "1", "mentors": "2", "hits": "0", "misses": "1",
    }  # fmt: skip
    assert "total_events" in run(url, "stats").out
