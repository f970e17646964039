"""`lms-progress serve` as a process: how it starts, what it says, and how it ends with requests under way."""

import signal
import socket
import sqlite3
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from cli import demo
from cli.serve import is_loopback
from tests.api.support import COURSE, accepted, contents, ping
from tests.support.serving import Local, Server, command, serving

CLIENTS = 4
ANSWERS_BEFORE_THE_END = 20


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_to_look_and_ends_well(new_sqlite: Callable[[], str], how: signal.Signals) -> None:
    with serving(new_sqlite(), "--dev") as server:
        accepted(server.client.get("/readyz"))
        said = server.stop(how)

    for path in ("/docs", "/v1/leaderboard", "/v1/stats/daily"):
        assert f"{server.url}{path}" in said


def test_it_makes_the_database_that_is_not_there(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'new.db'}", "--dev") as server:
        assert accepted(server.client.get("/v1/events")) == {"items": [], "next": None}


def test_the_demonstration_fills_an_empty_database_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with serving(url, "--dev", "--demo") as server:
        board = accepted(server.client.get("/v1/leaderboard"))
        assert len(board["entries"]) > 5
        events = accepted(server.client.get("/v1/stats/daily"))
        course = accepted(server.client.get("/v1/courses/python-101"))
    with serving(url, "--dev", "--demo") as server:
        assert accepted(server.client.get("/v1/leaderboard")) == board
        assert accepted(server.client.get("/v1/stats/daily")) == events
        assert accepted(server.client.get("/v1/courses/python-101")) == course


@pytest.mark.parametrize("course_id", ["mine", demo.COURSE_ID])
def test_the_demonstration_leaves_a_database_alone_that_is_in_use(new_sqlite: Callable[[], str], course_id: str) -> None:
    with Local(new_sqlite()) as api:
        accepted(api.put(f"/v1/courses/{course_id}", json=COURSE))
        before = contents(api)
        assert not api.run(demo.simulate(api.engine))
        assert contents(api) == before


def test_the_demonstration_that_was_cut_short_is_taken_up_again(new_sqlite: Callable[[], str]) -> None:
    with Local(new_sqlite()) as api:
        api.run(api.engine.publish(demo.COURSE_ID, demo.TITLE, demo.STEPS))
        assert api.run(demo.simulate(api.engine))
        assert accepted(api.get("/v1/stats/daily"))["items"]
        assert len(accepted(api.get("/v1/courses"))["items"]) == 1


def test_what_was_answered_before_the_end_is_there_after_it(database_url: str) -> None:
    kept: list[str] = []
    with serving(database_url, "--dev") as server:
        enough = threading.Event()
        clients = [threading.Thread(target=post_until_the_end, args=(server, kept, enough)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        assert enough.wait(60)
        server.stop()
        for client in clients:
            client.join()

    with serving(database_url, "--dev") as server:
        assert set(kept) <= trail(server)
        [row] = accepted(server.client.get("/v1/stats/daily"))["items"]
        assert len(kept) <= row["events"] <= len(kept) + CLIENTS


def post_until_the_end(server: Server, kept: list[str], enough: threading.Event) -> None:
    """Posts one event after the other, and keeps the ids of those that were acknowledged, until nobody answers."""
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        for number in count():
            event_id = str(uuid4())
            try:
                response = client.post("/v1/events", json=ping(number % 300, event_id=event_id))
            except httpx.TransportError:
                return
            if response.status_code != 200:
                assert response.status_code == 503
                return
            kept.append(event_id)
            if len(kept) >= ANSWERS_BEFORE_THE_END:
                enough.set()


def trail(server: Server) -> set[str]:
    """The ids of all events, page by page."""
    ids: set[str] = set()
    cursor: dict[str, str] = {}
    while True:
        page = accepted(server.client.get("/v1/events", params={"limit": 1000} | cursor))
        ids |= {item["event_id"] for item in page["items"]}
        if page["next"] is None:
            return ids
        cursor = {"cursor": page["next"]}


def test_a_kill_loses_nothing_that_was_answered(database_url: str) -> None:
    event_id = str(uuid4())
    with serving(database_url, "--dev") as server:
        accepted(server.client.post("/v1/events", json=ping(event_id=event_id)))
        server.kill()

    with serving(database_url, "--dev") as server:
        assert trail(server) == {event_id}
        assert len(accepted(server.client.get("/v1/signals"))["items"]) == 1


def test_development_listens_on_loopback_alone(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    reason = refused("--dev", "--host", "0.0.0.0", LMS_DATABASE_URL=f"sqlite:///{database}")  # noqa: S104 - refused
    assert reason == "lms-progress: --host: expected a loopback address such as 127.0.0.1 with --dev, found 0.0.0.0"
    assert not database.exists()


@pytest.mark.parametrize("host", ["::", "", "*", "192.0.2.1", "10.0.0.1", "127.1", "example.com", "localhost.example"])
def test_what_others_may_reach_is_no_loopback_address(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_what_this_machine_alone_reaches_is_one(host: str) -> None:
    assert is_loopback(host)


def test_without_a_key_it_says_how_to_make_one(new_sqlite: Callable[[], str]) -> None:
    with serving(new_sqlite()) as server:
        assert any("lms-progress key create" in line for line in server.said)
        assert server.client.get("/v1/leaderboard").status_code == 401


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"LMS_XP_QUIZ_PASSED": "abc"}, "LMS_XP_QUIZ_PASSED: expected a valid integer"),
        ({"LMS_XP_QUIZ_PASSED": "-1"}, "LMS_XP_QUIZ_PASSED: expected greater than or equal to 0, found '-1'"),
        ({"LMS_MAX_BODY_BYTES": "0"}, "LMS_MAX_BODY_BYTES: expected greater than 0, found '0'"),
        ({"LMS_TOKEN_SECRET": "password"}, "LMS_TOKEN_SECRET: expected at least 32 bytes, found another"),
        ({"LMS_DATABASE_URL": "mysql://me:password@db/lms"}, "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql"),
        ({"LMS_DATABASE_URL": "password"}, "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql://…, found no URL"),
        ({"LMS_DATABASE_URL": "sqlite://"}, "LMS_DATABASE_URL: expected sqlite:///FILE or postgresql://…"),
        ({"LMS_DATABASE_URL": "sqlite:////nowhere/lms.db"}, "/nowhere"),
        ({"LMS_DATABASE_URL": "postgresql://me:password@127.0.0.1:1/lms"}, "expected an answer from the database"),
    ],
    ids=str,
)
def test_a_setting_that_is_wrong_is_named_in_a_line(settings: dict[str, str], says: str) -> None:
    reason = refused(**settings)
    assert says in reason
    assert "password" not in reason


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Notes of somebody who would like to keep them. " * 100)
    assert "file is not a database" in refused(LMS_DATABASE_URL=f"sqlite:///{path}")
    assert path.read_text().startswith("Notes")


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE lms_event (mine TEXT)")
    connection.close()
    assert "lms_event already exists" in refused(LMS_DATABASE_URL=f"sqlite:///{path}")


def test_a_port_in_use_is_named_in_a_line(new_sqlite: Callable[[], str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        reason = refused("--dev", "--port", port, LMS_DATABASE_URL=new_sqlite())
    assert f"'127.0.0.1', {port}): address already in use" in reason


def refused(*options: str, **settings: str) -> str:
    """The one line by which `serve` says why it does not."""
    ended = command("serve", *options, **settings)
    assert ended.returncode > 0
    assert "Serving on" not in ended.stdout
    [line] = ended.stderr.splitlines()
    return line
