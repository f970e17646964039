"""Several processes that consume together: each entry goes to one of them, and each shows the metrics of all."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.api.support import accepted
from tests.faults.traffic import until
from tests.support.postgres import PostgresServer
from tests.support.processes import PATIENCE_SEC
from tests.support.redis import RedisServer
from tests.support.serving import serving

ENTRIES = 300
CONSUMED = re.compile(
    r'^events_consumed_total\{outcome="done",source="redis",type="user_upsert"\} (\S+)$', re.MULTILINE
)


@pytest.fixture
def url(postgres: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """A database that takes several writers."""
    made = postgres.create_database(migrated_postgres)
    yield made
    postgres.drop_database(made)


def test_two_processes_consume_each_entry_once_and_count_together(redis: RedisServer, url: str) -> None:
    with serving(url, "--dev", "--workers", "2", LMS_REDIS_URL=redis.url) as server:
        until(lambda: redis.cli("EXISTS", "lms_events") == "1")
        for number in range(ENTRIES):
            payload = json.dumps({"id": number, "name": "Ada", "role": "siswa"})
            redis.cli("XADD", "lms_events", "*", "event", "user_upsert", "payload", payload)
        until(lambda: redis.open_entries() == 0)

        (counted,) = accepted(server.client.get("/v1/stats/messages"))["items"]
        assert counted["messages"] == ENTRIES
        until(lambda: told(server.url) == ENTRIES)
        assert {told(server.url) for _ in range(20)} == {ENTRIES}, "whichever of them answers"


def told(url: str) -> float | None:
    """What a process says that all of them have consumed, asked on a connection of its own."""
    with httpx.Client(timeout=PATIENCE_SEC, trust_env=False) as client:
        found = CONSUMED.search(client.get(f"{url}/metrics").text)
    return float(found[1]) if found else None
