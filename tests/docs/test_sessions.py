"""The sessions that the pages show, typed into a real terminal: what they print is what the pages say."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import ROOT, Command, sessions
from tests.docs.terminal import comparable, environment, make_run, needs, type_all
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.slow


class Desk(NamedTuple):
    """A folder that looks like a checkout, with a server that `make run` started in it."""

    folder: Path
    printed: list[str]
    address: str


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = checkout(tmp_path_factory.mktemp("checkout"))
    with make_run(f"sqlite:///{folder}/lms-progress.db") as printed:
        found = re.search(r"Serving on http://(\S+)", "\n".join(printed))
        assert found is not None, printed
        yield Desk(folder, printed, found[1])


def checkout(folder: Path) -> Path:
    """Gives a folder what the sessions use of a checkout: the examples, and what was installed."""
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def check(commands: list[Command], folder: Path, settings: dict[str, str]) -> None:
    """Types the commands, and holds what each prints against what the page shows."""
    path = f"{folder}/.venv/bin{os.pathsep}{os.environ['PATH']}"
    printed = type_all(commands, folder, environment(PATH=path) | settings)

    shown = [(command.line, comparable(command.prints)) for command in commands]
    found = [(command.line, comparable(text)) for command, text in zip(commands, printed, strict=True)]
    assert found == shown


def at(address: str, commands: list[Command]) -> list[Command]:
    return [command._replace(line=command.line.replace("127.0.0.1:8000", address)) for command in commands]


def test_make_run_says_what_the_readme_shows(desk: Desk) -> None:
    ((start,), *_) = sessions("README.md")

    assert start.line == "make run"
    assert comparable("\n".join(desk.printed)) == comparable(start.prints)


def test_the_readmes_session_goes_as_shown(desk: Desk) -> None:
    needs("curl", "sqlite3")
    _, *blocks = sessions("README.md")

    check(at(desk.address, [command for block in blocks for command in block]), desk.folder, {})


def test_the_http_pages_session_goes_as_shown(desk: Desk) -> None:
    needs("curl")

    check(at(desk.address, [command for block in sessions("docs/http.md") for command in block]), desk.folder, {})


def test_the_sql_pages_session_goes_as_shown(tmp_path: Path, postgres: PostgresServer) -> None:
    needs("sqlite3")
    url = postgres.create_database()
    commands = [command for block in sessions("docs/sql.md") for command in block]
    for_test = [command._replace(line=command.line.replace("postgresql://localhost/lms", url)) for command in commands]

    programs = f"{checkout(tmp_path)}/.venv/bin{os.pathsep}{postgres.binaries}{os.pathsep}{os.environ['PATH']}"
    check(for_test, tmp_path, {"PATH": programs})


def test_the_example_client_posts_a_file_and_repeats_it_harmlessly(desk: Desk) -> None:
    port = desk.address.rpartition(":")[2]
    command = [sys.executable, "examples/post_events.py", "examples/first-week.ndjson", "--port", port]

    first, second = (
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        for _ in range(2)
    )

    assert first[0] == "accepted 10, duplicates 0"
    assert "  alan VIDEO_COMPLETED commit" in first
    assert second == ["accepted 0, duplicates 10"]
