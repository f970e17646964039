"""Several processes that serve one database: whatever they are asked at once, and whichever of them is killed, nothing
that was acknowledged is lost or counted twice, and none ever stands in another's way for good.

To let the random load go on for long: LOAD_SECONDS=600 .venv/bin/python -m pytest tests/faults/test_workers.py
WORKER_KILLS=60 kills more often.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import text

from engine.limits import DEFAULT_LIMITS
from tests.api.support import accepted
from tests.conftest import opened
from tests.faults.balance import balance
from tests.faults.ledger import LEARNERS, Body, Json, Ledger
from tests.faults.traffic import (
    CLIENTS,
    GONE,
    PATIENCE_SEC,
    PAUSE_SEC,
    READINGS,
    Publisher,
    Work,
    clients,
    granted,
    not_now,
    posting,
    reading,
    until,
)
from tests.support.postgres import PostgresServer
from tests.support.processes import command
from tests.support.serving import Server, client_of, serving

LOAD_SEC = float(os.environ.get("LOAD_SECONDS", "8"))
ROUND_SEC = 4
KILLS = int(os.environ.get("WORKER_KILLS", "6"))
LIFE_SEC = (0.5, 1.5)
PUBLISH_EVERY_SEC = 1
LOOK_EVERY_SEC = 0.1
LARGE_SHARE = 1 / 500

NewDatabase = Callable[[], str]


NewSqlite = Callable[[], str]


class PoisonLedger(Ledger):
    """Draws events of a class, too, that the database refuses for a while: another one each `round`.

    And some bodies so large that they are parted by learner.
    """

    round = 0

    def _size(self) -> int:
        return DEFAULT_LIMITS.large_submission_events if self._random.random() < LARGE_SHARE else super()._size()

    def draw(self) -> Body:
        body = super().draw()
        for event in body.events:
            if event["class_id"] == "in no course":
                event["class_id"] = f"poison {self.round}"
        return body


@pytest.fixture
def new_postgres(postgres: PostgresServer, migrated_postgres: str) -> Iterator[NewDatabase]:
    """Makes PostgreSQL databases at the current schema; gives their URLs."""
    made: list[str] = []

    def make() -> str:
        made.append(postgres.create_database(migrated_postgres))
        return made[-1]

    yield make
    for url in made:
        postgres.drop_database(url)


@pytest.mark.parametrize("workers", [2, 4])
def test_a_random_load_on_several_processes_leaves_all_in_balance(
    new_postgres: NewDatabase, workers: int, report: Callable[[str], None]
) -> None:
    url, seed = new_postgres(), random.randrange(2**32)
    print(f"seed {seed}")
    ledger, answers = PoisonLedger(seed), Counter[int | None]()
    courses = [Publisher("course", PUBLISH_EVERY_SEC), Publisher("another course", PUBLISH_EVERY_SEC)]
    posts: list[Work] = [*[posting(ledger)] * CLIENTS, *[posting_twice(ledger)] * CLIENTS]
    works: list[Work] = [*posts, *courses, retry_some, *map(reading, READINGS)]

    with serving(url, "--dev", "--workers", str(workers)) as server:
        with clients([server.url], *(counting(work, answers) for work in works)):
            rounds = let_go_on(server, url, ledger, random.Random(seed))
        until(lambda: asyncio.run(granted(url)), LOOK_EVERY_SEC)
        assert command("retry", "--dead", LMS_DATABASE_URL=url).returncode == 0
        assert "Traceback" not in server.log
        assert "server process" not in server.log, "one has ended by itself"

    assert asyncio.run(deadlocks(url)) == 0
    assert set(answers) <= {200, 503, None}
    counts = asyncio.run(balance(url, new_postgres(), ledger))
    report(
        f"postgresql: {workers} workers, {LOAD_SEC:g} s of random load, {answers.total():,} requests, "
        f"{answers[503]:,} refused for a while, {sum(len(course.acknowledged) for course in courses)} versions, "
        f"{rounds} replays, 0 deadlocks: {counts}"
    )


def test_processes_that_are_killed_are_replaced_and_lose_nothing(
    new_postgres: NewDatabase, report: Callable[[str], None]
) -> None:
    url, seed = new_postgres(), random.randrange(2**32)
    print(f"seed {seed}")
    ledger, publisher, moments = Ledger(seed), Publisher("course", PUBLISH_EVERY_SEC), random.Random(seed)

    with serving(url, "--dev", "--workers", "2") as server:
        with clients([server.url], *[posting(ledger)] * CLIENTS, publisher):
            for kills in range(1, KILLS + 1):
                time.sleep(moments.uniform(*LIFE_SEC))
                os.kill(moments.choice(server.workers), signal.SIGKILL)
                until(lambda: server.log.count("serves in its place") == kills, LOOK_EVERY_SEC)  # noqa: B023
        until(lambda: asyncio.run(granted(url)), LOOK_EVERY_SEC)

    counts = asyncio.run(balance(url, new_postgres(), ledger))
    report(f"postgresql: workers killed {KILLS} times, {ledger.broken_off:,} requests broken off: {counts}")


def test_two_servers_on_one_sqlite_file_wait_for_each_other(
    new_sqlite: NewSqlite, report: Callable[[str], None]
) -> None:
    url, ledger, publisher = new_sqlite(), Ledger(seed=1), Publisher("course", PUBLISH_EVERY_SEC)
    answers = Counter[int | None]()
    works: list[Work] = [*[posting(ledger)] * CLIENTS, *[posting_twice(ledger)] * CLIENTS, publisher]

    with serving(url, "--dev") as one, serving(url, "--dev") as other:
        with clients([one.url, other.url], *(counting(work, answers) for work in works)):
            time.sleep(LOAD_SEC)
        until(lambda: asyncio.run(granted(url)), LOOK_EVERY_SEC)
        assert one.log == other.log == ""

    assert set(answers) <= {200, None}
    counts = asyncio.run(balance(url, new_sqlite(), ledger))
    report(f"sqlite: 2 servers, {LOAD_SEC:g} s of random load, {answers.total():,} requests, 0 refused: {counts}")


def let_go_on(server: Server, url: str, ledger: PoisonLedger, chance: random.Random) -> int:
    """Breaks and mends the database for as long as the load lasts, and replays after each time. How often."""
    end, rounds = time.monotonic() + LOAD_SEC, 0
    while time.monotonic() < end:
        rounds += 1
        poison = f"poison {rounds}"
        asyncio.run(alter(url, f"ALTER TABLE lms_progress ADD CONSTRAINT refuse CHECK (class_id <> '{poison}')"))
        ledger.round = rounds
        time.sleep(ROUND_SEC / 2)
        asyncio.run(alter(url, "ALTER TABLE lms_progress DROP CONSTRAINT refuse"))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: command("retry", "--dead", LMS_DATABASE_URL=url), range(2)))
        replay(server, chance)
        time.sleep(chance.uniform(0, ROUND_SEC / 2))
    return rounds


async def alter(url: str, statement: str) -> None:
    """Changes a table while nobody appends."""
    async with opened(url) as database, database.write_exclusive() as connection:
        await connection.execute(text(statement))


def replay(server: Server, chance: random.Random) -> None:
    """Has one of the processes start a replay, and asks any of them until it is done."""
    learner = f"learner {chance.randrange(LEARNERS)}"
    limit = chance.choice([{}, {}, {"user_id": learner}, {"course_id": "course"}])
    with client_of(server.url, PATIENCE_SEC) as client:
        started = accepted(client.post("/v1/replays", json={**limit, "publish": True}), 202)
        ended: list[Json] = []
        while not ended or ended[-1]["status"] == "running":
            time.sleep(LOOK_EVERY_SEC)
            with client_of(server.url, PATIENCE_SEC) as another:
                ended.append(accepted(another.get(f"/v1/replays/{started['replay_id']}")))
    assert ended[-1]["status"] == "finished", ended[-1]


def posting_twice(ledger: Ledger) -> Work:
    """Posts what the ledger draws on two connections at once: both are told that it is there, one that it is new."""

    def post(client: httpx.Client, url: str) -> int | None:
        body = ledger.draw()
        with client_of("", PATIENCE_SEC) as other, ThreadPoolExecutor(1) as pool:
            second = pool.submit(other.post, f"{url}/v1/events", json=body.events)
            try:
                responses = [client.post(f"{url}/v1/events", json=body.events), second.result()]
            except GONE:
                ledger.leave_unanswered(body, sent=True)
                return None
        answers = [response.json() for response in responses if response.status_code == httpx.codes.OK]
        for response in responses:
            if response.status_code != httpx.codes.OK:
                not_now(response)
        for answer in answers:
            ledger.acknowledge(body, answer)
        assert sum(answer["accepted"] for answer in answers) <= body.unknown, "an event was accepted twice"
        return max(response.status_code for response in responses)

    return post


def retry_some(client: httpx.Client, url: str) -> int | None:
    """Retries some that are parked, if they still are: others are at it, too."""
    parked = accepted(client.get(f"{url}/v1/retries", params={"limit": "50"}))["items"]
    for item in random.sample(parked, min(3, len(parked))):
        response = client.post(f"{url}/v1/retries/{item['retry_id']}/retry")
        assert response.status_code in {200, 404}, response.text
    time.sleep(PAUSE_SEC)
    return httpx.codes.OK


def counting(work: Work, answers: Counter[int | None]) -> Work:
    """As `work`, whose answers are counted. A connection that was idle may be closed just as it is used again."""

    def counted(client: httpx.Client, url: str) -> int | None:
        try:
            status = work(client, url)
        except GONE:
            status = None
        answers[status] += 1
        return status

    return counted


async def deadlocks(url: str) -> int:
    """How many PostgreSQL has had to end in that database."""
    query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    async with opened(url) as database, database.read() as connection:
        return int((await connection.execute(query)).scalar_one())
