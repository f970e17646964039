"""SQLite on a disk that is full: who posts is told so, who reads is served, and nothing that was kept is harmed."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.support import accepted
from tests.faults.balance import balance
from tests.faults.ledger import Ledger
from tests.faults.rooms import Room, SizeLimit, small_filesystem
from tests.faults.traffic import CLIENTS, READINGS, clients, not_now, posting, until
from tests.support.serving import Server, serving

ENOUGH = 100
"""So many requests are refused while there is no room, and so many events acknowledged when there is."""

FULL_AT_ONCE = "2m"
FULL_AT_A_CHECKPOINT = "66m"
"""Little more than the write-ahead log takes before SQLite moves it into the database, which grows by that."""

LARGE_COURSE = {
    "title": "Too large for the rest of the room",
    "steps": [{"class_id": f"class {n}", "title": "x" * 100, "video_id": "v"} for n in range(1_000)],
}

NewSqlite = Callable[[], str]


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Room]:
    """A disk of the size that the parameter says, or room up to a size limit."""
    folder = tmp_path / "small"
    folder.mkdir()
    if request.param is SizeLimit:
        yield SizeLimit(folder, "size limit")
        return
    with small_filesystem(folder, request.param) as disk:
        yield disk


@pytest.mark.parametrize("small_disk", [SizeLimit, FULL_AT_ONCE, FULL_AT_A_CHECKPOINT], indirect=True)
def test_a_full_disk_refuses_what_is_posted_until_there_is_room(
    small_disk: Room, new_sqlite: NewSqlite, report: Callable[[str], None]
) -> None:
    url, ledger = f"sqlite:///{small_disk.folder}/lms.db", Ledger(seed=1)
    with serving(url, "--dev") as server:
        small_disk.narrow(server)
        fill(server, ledger, small_disk.says)
        refused = ledger.refused

        read_everywhere(server)
        not_now(server.client.put("/v1/courses/course", json=LARGE_COURSE), small_disk.says)

        small_disk.widen(server)
        accepted(server.client.put("/v1/courses/course", json=LARGE_COURSE))
        go_on(server, ledger)
        assert ledger.refused == refused, "there was room again"

    check_integrity(small_disk.folder / "lms.db")
    counts = asyncio.run(balance(url, new_sqlite(), ledger))
    report(f"sqlite: {small_disk.name} full, {refused} posts refused, then room again: {counts}")


@pytest.mark.parametrize("small_disk", [FULL_AT_ONCE, FULL_AT_A_CHECKPOINT], indirect=True)
def test_a_server_killed_on_a_full_disk_starts_on_it_and_goes_on_when_there_is_room(
    small_disk: Room, new_sqlite: NewSqlite, report: Callable[[str], None]
) -> None:
    url, ledger = f"sqlite:///{small_disk.folder}/lms.db", Ledger(seed=1)
    with serving(url, "--dev") as server:
        fill(server, ledger, small_disk.says)
        server.kill()

    with serving(url, "--dev") as server:
        read_everywhere(server)
        fill(server, ledger, small_disk.says)
        small_disk.widen(server)
        go_on(server, ledger)

    check_integrity(small_disk.folder / "lms.db")
    counts = asyncio.run(balance(url, new_sqlite(), ledger))
    report(f"sqlite: {small_disk.name} full, serve killed and started on it, {ledger.refused} posts refused: {counts}")


def fill(server: Server, ledger: Ledger, says: str) -> None:
    """Posts until the disk is full, and goes on for a while."""
    enough = ledger.refused + ENOUGH
    with clients([server.url], *[posting(ledger, says)] * CLIENTS):
        until(lambda: ledger.refused >= enough)


def go_on(server: Server, ledger: Ledger) -> None:
    """Posts until some more is acknowledged."""
    enough = len(ledger.acknowledged) + ENOUGH
    with clients([server.url], *[posting(ledger)] * CLIENTS):
        until(lambda: len(ledger.acknowledged) >= enough)


def read_everywhere(server: Server) -> None:
    """Each page is there."""
    for path in READINGS:
        accepted(server.client.get(path))


def check_integrity(file: Path) -> None:
    """SQLite's own word that the file is sound."""
    connection = sqlite3.connect(file)
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    assert found == [("ok",)]
