"""`lms-progress serve` as a process: how it starts, what it says, and how it ends with requests under way."""

import signal
import socket
import threading
from collections.abc import Callable
from itertools import count, repeat
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from cli import demo
from tests.api.support import COURSE, JSON, accepted, contents, ping, problem
from tests.support.serving import Local, Server, serving

pytestmark = pytest.mark.slow

CLIENTS = 4
ANSWERS_BEFORE_THE_END = 20


def test_it_makes_the_database_says_where_to_look_and_ends_well(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'new.db'}", "--dev") as server:
        assert accepted(server.client.get("/v1/events")) == {"items": [], "next": None}
        said = server.stop(signal.SIGTERM)

    for path in ("/docs", "/v1/leaderboard", "/v1/stats/daily"):
        assert f"{server.url}{path}" in said


def test_without_a_key_it_says_how_to_make_one_and_ctrl_c_ends_it(new_sqlite: Callable[[], str]) -> None:
    with serving(new_sqlite()) as server:
        assert any("lms-progress key create" in line for line in server.said)
        problem(server.client.get("/v1/leaderboard"), 401, "found none")
        server.stop(signal.SIGINT)


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
def test_the_demonstration_leaves_a_database_alone_that_is_in_use(
    new_sqlite: Callable[[], str], course_id: str
) -> None:
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


def test_bodies_that_break_off_or_do_not_end_leave_nothing_behind(new_sqlite: Callable[[], str]) -> None:
    with serving(new_sqlite(), "--dev", LMS_MAX_BODY_BYTES="100000") as server:
        for _ in range(3):
            break_off(server.url)
        endless = repeat(b"[" * 10_000, 1_000)
        problem(
            server.client.post("/v1/events", content=endless, headers=JSON), 413, "at most 100000 bytes, found more"
        )
        assert accepted(server.client.get("/v1/events")) == {"items": [], "next": None}
        server.stop()
        assert server.log == ""


def break_off(url: str) -> None:
    """Sends half a request, and goes away."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 80)) as connection:
        connection.sendall(
            b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
        )


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
    query: dict[str, str] = {"limit": "1000"}
    while True:
        page = accepted(server.client.get("/v1/events", params=query))
        ids |= {item["event_id"] for item in page["items"]}
        if page["next"] is None:
            return ids
        query["cursor"] = page["next"]


def test_a_kill_loses_nothing_that_was_answered(new_sqlite: Callable[[], str]) -> None:
    database_url = new_sqlite()
    event_id = str(uuid4())
    with serving(database_url, "--dev") as server:
        accepted(server.client.post("/v1/events", json=ping(event_id=event_id)))
        server.kill()

    with serving(database_url, "--dev") as server:
        assert trail(server) == {event_id}
        assert len(accepted(server.client.get("/v1/signals"))["items"]) == 1
