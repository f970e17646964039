"""`lms-progress serve --workers`: several processes behind one address, which start, die and end as one server."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap.settings import AllSettings
from cli.operate.listening import ReusePortSockets
from cli.operate.supervisor import ServerProcesses
from eventstore.errors import LmsError
from tests.api.support import COURSE, accepted, ping
from tests.cli.support import run
from tests.faults.traffic import until
from tests.support.postgres import PostgresServer
from tests.support.processes import command
from tests.support.serving import LISTENS, Server, serving

pytestmark = pytest.mark.slow

WORKERS = ("--workers", "2")
NewSqlite = Callable[[], str]


@pytest.fixture
def url(postgres: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """A database that takes several writers."""
    made = postgres.create_database(migrated_postgres)
    yield made
    postgres.drop_database(made)


def test_they_come_up_and_end_as_one(url: str) -> None:
    with serving(url, "--dev", "--demo", *WORKERS) as server:
        both = server.workers
        assert len(both) == 2
        assert len(accepted(server.client.get("/v1/courses"))["items"]) == 1
        said = server.said + server.stop(signal.SIGTERM).splitlines()
        assert said.count(f"{LISTENS}{server.url}") == len([line for line in said if LISTENS in line]) == 1
        assert not any(map(is_alive, both))
        assert server.log == ""


def test_one_that_dies_is_replaced_and_the_other_answers_meanwhile(url: str) -> None:
    with serving(url, "--dev", *WORKERS) as server:
        for number, killed in enumerate(server.workers, start=1):
            os.kill(killed, signal.SIGKILL)
            accepted(server.client.get("/readyz", headers={"Connection": "close"}))
            until(lambda: server.log.count("serves in its place") == number)  # noqa: B023
            assert f"lms-progress: server process {killed} was killed by SIGKILL\n" in server.log
        accepted(server.client.post("/v1/events", json=ping()))


def test_they_end_with_the_process_that_started_them(url: str) -> None:
    with serving(url, "--dev", *WORKERS) as server:
        both = server.workers
        server.kill()
        until(lambda: not any(map(is_alive, both)))


def test_they_end_when_they_were_started_behind_a_script(url: str) -> None:
    """Where a shell has what it runs in the background ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with serving(url, "--dev", *WORKERS) as server:
            server.stop(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_replay_that_one_of_them_started_is_known_to_all(url: str) -> None:
    with serving(url, "--dev", *WORKERS) as server:
        accepted(server.client.put("/v1/courses/x", json=COURSE))
        started = accepted(server.client.post("/v1/replays", json={}), 202)
        until(lambda: replay_status(server, started["replay_id"]) != "running")
        assert replay_status(server, started["replay_id"]) == "finished"


def replay_status(server: Server, replay_id: str) -> str:
    """As one of them says, each time on another connection."""
    answer = accepted(server.client.get(f"/v1/replays/{replay_id}", headers={"Connection": "close"}))
    return str(answer["status"])


def test_sqlite_takes_one_writer_at_a_time(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    ended = run(f"sqlite:///{database}", "serve", *WORKERS)
    assert ended.code == 1
    assert ended.err == (
        "lms-progress: --workers: expected 1 on SQLite, whose file takes one writer at a time, "
        "found 2: use PostgreSQL for more\n"
    )
    assert not database.exists()


@pytest.mark.parametrize("number", ["0", "65", "two"])
def test_a_number_that_is_none_is_refused(number: str, new_sqlite: NewSqlite) -> None:
    ended = run(new_sqlite(), "serve", "--workers", number)
    assert ended.code == 2
    assert "--workers" in ended.err


def test_a_port_in_use_is_named_in_a_line(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = command("serve", "--dev", "--port", port, *WORKERS, LMS_DATABASE_URL=url)
    assert ended.returncode == 1
    assert (
        ended.stderr == f"lms-progress: expected to listen on 127.0.0.1, port {port}, found: Address already in use\n"
    )


def test_where_one_does_not_come_up_none_does_and_the_reason_is_said() -> None:
    nowhere = AllSettings(database_url="postgresql://me:password@127.0.0.1:1/lms")
    answering: list[bool] = []
    processes = ServerProcesses(nowhere, ReusePortSockets("127.0.0.1", 0, 2), lambda: answering.append(True), dev=True)
    with pytest.raises(LmsError, match="the database does not answer: ") as refused:
        processes.run()
    assert "password" not in str(refused.value)
    assert answering == []


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
