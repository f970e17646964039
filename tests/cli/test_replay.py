"""`lms-progress replay`: everything derived, built anew from a terminal."""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.limits import DEFAULT_LIMITS
from engine.replay.store import ReplayRequest, start
from eventstore.db.replay_lock import replay_lock
from projections.progress import Progress
from projections.rule import Rule
from tests.cli.support import PROGRAM, derived_at, environment, on_database, query, run, run_process
from tests.conftest import opened
from tests.engine.rows import change
from tests.engine.support import HandClock, at, ping, quiz, running, step
from tests.faults.traffic import until
from tests.support.looking import looking
from tests.support.rules import use_rules

pytestmark = pytest.mark.slow

OTHER = "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11"
REPLAYS = "SELECT count(*) FROM lms_replay"
ATTEMPTS = 10
"""To stop a replay before it is done."""

NOTHING = ["parked", "0", "signals", "gained", "0", "signals", "lost", "0", "rows", "differing", "0"]


def lived_in(url: str, learners: int = 2) -> str:
    asyncio.run(live(url, learners))
    return url


async def live(url: str, learners: int) -> None:
    async with running(url, HandClock(at(3))) as engine:
        await engine.publish("course", "Course", (step("a"),))
        await engine.ingest.submit([quiz(at(2), user_id="ada"), ping(at(1), user_id="ada")])
        await engine.ingest.submit([ping(at(1), user_id=f"learner-{number}") for number in range(learners)])


def tamper(url: str, statement: str) -> None:
    on_database(url, lambda database: change(database, statement))


def test_it_says_what_is_other_than_before(database_url: str) -> None:
    before = derived_at(lived_in(database_url))
    ended = run(database_url, "replay")
    assert (ended.code, ended.out.split(), ended.err) == (0, ["events", "4", *NOTHING], "")

    tamper(database_url, "DELETE FROM lms_signal WHERE user_id = 'ada' AND type = 'QUIZ_PASSED'")
    ended = run(database_url, "replay")
    assert ended.out.splitlines() == [
        "events                   4",
        "parked                   0",
        "signals gained           1",
        "signals lost             0",
        "rows differing           1",
    ]
    assert derived_at(database_url) == before


def test_it_may_be_limited_to_a_learner_or_a_course(database_url: str) -> None:
    lived_in(database_url)
    for options, events in ((("--user", "ada"), "2"), (("--course", "course"), "4")):
        tamper(database_url, "UPDATE lms_progress SET video_max_position_sec = 7 WHERE user_id = 'ada'")
        ended = run(database_url, "replay", *options)
        assert (ended.code, ended.out.split()) == (0, ["events", events, *NOTHING[:-1], "1"])
    ended = run(database_url, "replay", "--course", "none")
    assert ended.code == 1
    assert ended.err == "lms-progress: there is no published course with the id 'none'\n"


def test_how_long_the_oldest_of_what_is_parked_waits_is_shown(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: object) -> Progress:
        raise ArithmeticError("cannot")

    lived_in(database_url)
    use_rules(monkeypatch, (Rule("video_progress", "VIDEO_PING", raises),))
    for options in ((), ("--user", "ada")):
        ended = run(database_url, "replay", *options)
        assert ended.out.splitlines()[1] == (
            "parked                   3" if not options else "parked                   1"
        )
        assert re.fullmatch(r"oldest parked for 0 min \d s", ended.out.splitlines()[-1])
        assert ended.err == "See why: lms-progress retry --list\n"


def test_xp_follows_the_settings(database_url: str) -> None:
    lived_in(database_url)
    assert run(database_url, "replay", LMS_XP_VIDEO_COMPLETED="11").code == 0
    assert query(database_url, "SELECT xp FROM v_leaderboard WHERE user_id = 'learner-0'") == [(141,)]


async def test_a_second_is_refused_with_the_first_ones_id(database_url: str) -> None:
    async with opened(database_url) as database, replay_lock(database.engine):
        await start(database, OTHER, ReplayRequest(), at(0))
        ended = await asyncio.to_thread(run_process, database_url, "replay")
        assert ended.code == 1
        assert ended.err.startswith(f"lms-progress: replay {OTHER} is running")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_one_that_is_stopped_leaves_everything_as_it_was(new_database: Callable[[], str], how: signal.Signals) -> None:
    url = lived_in(new_database(), learners=2_000)
    before = derived_at(url)
    for _ in range(ATTEMPTS):
        code, said = stop(url, how)
        if ended := query(url, "SELECT status, error FROM lms_replay WHERE status <> 'finished'"):
            break

    assert ended == [("failed", "it was stopped")], said
    assert code != 0
    assert "Traceback" not in said
    assert derived_at(url) == before
    assert run(url, "replay").out.split() == ["events", "2,002", *NOTHING]


def stop(url: str, how: signal.Signals) -> tuple[int, str]:
    """Starts a replay, and stops it once it says that it runs. Its exit code, and what it said."""
    with looking(url) as look:
        replays = look(REPLAYS)
        process = subprocess.Popen([PROGRAM, "replay"], env=environment(url), stderr=subprocess.PIPE, text=True)
        until(lambda: look(REPLAYS) != replays or process.poll() is not None)
    process.send_signal(how)
    _, said = process.communicate()
    return process.returncode, said


def test_one_whose_worker_is_killed_says_so_and_changes_nothing(database_url: str) -> None:
    lived_in(database_url)
    asyncio.run(fill(database_url, DEFAULT_LIMITS.python_fold_seqs, learners=4 * DEFAULT_LIMITS.derive_learners))
    before = derived_at(database_url)
    process = subprocess.Popen([PROGRAM, "replay"], env=environment(database_url), stderr=subprocess.PIPE, text=True)
    until(lambda: len(children(process.pid)) == 2)
    os.kill(children(process.pid)[-1], signal.SIGKILL)
    _, said = process.communicate()

    assert process.returncode == 1
    assert said.endswith("lms-progress: a worker process was killed\n")
    assert query(database_url, "SELECT status FROM lms_replay") == [("failed",)]
    assert derived_at(database_url) == before


def test_its_processes_end_when_it_is_killed(database_url: str) -> None:
    lived_in(database_url)
    asyncio.run(fill(database_url, DEFAULT_LIMITS.python_fold_seqs, learners=4 * DEFAULT_LIMITS.derive_learners))
    process = subprocess.Popen([PROGRAM, "replay"], env=environment(database_url), stderr=subprocess.PIPE, text=True)
    until(lambda: len(children(process.pid)) == 2)
    started = children(process.pid)
    process.kill()
    process.communicate()

    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started))


async def fill(url: str, number: int, learners: int) -> None:
    """Record so much, of so many learners, that several processes replay it."""
    async with running(url, HandClock(at(3))) as engine:
        await engine.ingest.submit([ping(at(1), 50, user_id=f"one-{n % learners}") for n in range(number)])


def children(pid: int) -> list[int]:
    """The workers that a process was forked into: the same program as it is."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in started if command_of(int(child)) == command_of(pid)]


def command_of(pid: int) -> bytes:
    """What it was started as; nothing once it is gone."""
    file = Path(f"/proc/{pid}/cmdline")
    return file.read_bytes() if file.exists() else b""
