"""PostgreSQL is away for ten seconds while clients post and read: they are told to come again, and then all goes on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Literal

import httpx
import pytest

from tests.api.support import accepted
from tests.conftest import migrate_url
from tests.faults.balance import balance
from tests.faults.ledger import Ledger
from tests.faults.traffic import CLIENTS, READINGS, Publisher, Work, clients, posting, reading, until
from tests.support.postgres import PostgresServer, required_postgres
from tests.support.serving import serving

AWAY_SEC = 10
PUBLISH_EVERY_SEC = 0.5
ENOUGH = 200
"""So many events are acknowledged before it stops, and again after it has started."""


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that a test may stop."""
    with required_postgres() as server:
        yield server


class Outage:
    """Whether there is no database now, and what was answered meanwhile: to whom, and the status."""

    def __init__(self) -> None:
        self.is_on = False
        self.answers: list[tuple[Work, int | None]] = []

    def watch(self, work: Work) -> Work:
        """As `work`; what is both asked and answered during the outage is noted."""

        def watched(client: httpx.Client, url: str) -> int | None:
            asked_during = self.is_on
            status = work(client, url)
            if asked_during and self.is_on:
                self.answers.append((work, status))
            return status

        return watched


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_postgresql_away_for_ten_seconds_costs_nothing_but_the_time(
    own_postgres: PostgresServer, how: Literal["fast", "immediate"], report: Callable[[str], None]
) -> None:
    url, fresh_url = own_postgres.create_database(), own_postgres.create_database()
    asyncio.run(migrate_url(url))
    asyncio.run(migrate_url(fresh_url))
    ledger, publisher = Ledger(seed=1), Publisher("course", PUBLISH_EVERY_SEC)
    outage, alive = Outage(), reading("/healthz")
    asking = [posting(ledger)] * CLIENTS + [publisher, *map(reading, READINGS)]

    with serving(url, "--dev") as server:
        with clients([server.url], *map(outage.watch, [*asking, alive])):
            acknowledge_more(ledger)
            own_postgres.stop(how)
            outage.is_on = True
            time.sleep(AWAY_SEC)
            outage.is_on = False
            own_postgres.start()
            acknowledge_more(ledger)
        accepted(server.client.get("/readyz"))
        assert "Traceback" not in server.log

    assert set(outage.answers) == {(work, 503) for work in asking} | {(alive, 200)}
    assert ledger.broken_off == 0
    refused = sum(work != alive for work, _ in outage.answers)
    counts = asyncio.run(balance(url, fresh_url, ledger))
    report(f"postgresql: stopped ({how}) for {AWAY_SEC} s, {refused:,} requests answered with 503 meanwhile: {counts}")


def acknowledge_more(ledger: Ledger) -> None:
    """Waits until so many more events are acknowledged."""
    enough = len(ledger.acknowledged) + ENOUGH
    until(lambda: len(ledger.acknowledged) >= enough)
