"""What `lms-progress serve` will not do, and says so in one line: strangers in development, wrong settings, no room."""

import signal
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.operate.serve import is_loopback
from tests.cli.support import run
from tests.support.processes import command


def test_development_listens_on_loopback_alone(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    ended = run(f"sqlite:///{database}", "serve", "--dev", "--host", "0.0.0.0")  # noqa: S104 - refused
    assert ended.code > 0
    assert (
        ended.err == "lms-progress: --host: expected a loopback address such as 127.0.0.1 with --dev, found 0.0.0.0\n"
    )
    assert not database.exists()


@pytest.mark.parametrize("host", ["::", "", "*", "192.0.2.1", "10.0.0.1", "127.1", "example.com", "localhost.example"])
def test_what_others_may_reach_is_no_loopback_address(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_what_this_machine_alone_reaches_is_one(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"LMS_XP_QUIZ_PASSED": "abc"}, "LMS_XP_QUIZ_PASSED: expected a valid integer"),
        ({"LMS_XP_QUIZ_PASSED": "-1"}, "LMS_XP_QUIZ_PASSED: expected greater than or equal to 0, found '-1'"),
        ({"LMS_MAX_BODY_BYTES": "0"}, "LMS_MAX_BODY_BYTES: expected greater than 0, found '0'"),
        ({"LMS_TOKEN_SECRET": "password"}, "LMS_TOKEN_SECRET: expected at least 32 bytes, found another"),
        ({"LMS_ACTIVITY_MONITOR_ENABLED": "true"}, "LMS_ACTIVITY_LAYOUT_FILE: expected the file that names"),
    ],
    ids=str,
)
def test_a_setting_that_is_wrong_is_named_in_a_line(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    line = refused(f"sqlite:///{tmp_path / 'new.db'}", **settings)
    assert line.startswith(f"lms-progress: {says}")
    assert "password" not in line


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://me:password@db/lms", "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql://…, found mysql://me"),
        ("password", "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql://…, found no URL"),
        ("sqlite://", "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql://…, found sqlite://"),
        ("sqlite:////nowhere/lms.db", "LMS_DATABASE_URL: expected a file in a folder that exists, found /nowhere"),
        ("postgresql://me:password@127.0.0.1:1/lms", "the database does not answer: "),
    ],
)
def test_a_database_that_cannot_be_had_is_named_in_a_line(url: str, says: str) -> None:
    line = refused(url)
    assert line.startswith(f"lms-progress: {says}")
    assert "password" not in line


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(notes := "Notes of somebody who would like to keep them. " * 100)
    assert "file is not a database" in refused(f"sqlite:///{path}")
    assert path.read_text() == notes


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE lms_event (mine TEXT)")
        assert "lms_event already exists" in refused(f"sqlite:///{path}")
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("lms_event",)]


def refused(url: str, **settings: Any) -> str:
    """The one line by which `serve` says why it does not."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        ended = run(url, "serve", **settings)
    finally:
        signal.signal(signal.SIGTERM, before)  # which `serve` took over, within this process
    assert ended.code > 0
    assert "Serving on" not in ended.out
    [line] = ended.err.splitlines()
    return line


@pytest.mark.slow
def test_a_port_in_use_is_named_in_a_line(new_sqlite: Callable[[], str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = command("serve", "--dev", "--port", port, LMS_DATABASE_URL=new_sqlite())
    assert ended.returncode > 0
    said = f"expected to listen on 127.0.0.1, port {port}, found: Address already in use"
    assert ended.stderr == f"lms-progress: {said}\n"
