"""A replay while clients post and read as fast as they can: nobody is refused anything, or waits for it to end."""

import asyncio
import time
from collections.abc import Callable

import httpx
from sqlalchemy import make_url

from tests.api.support import accepted
from tests.faults.balance import balance
from tests.faults.ledger import Body, Ledger
from tests.faults.replays import MANY, replay
from tests.faults.traffic import (
    CLIENTS,
    PATIENCE_SEC,
    READINGS,
    Publisher,
    Work,
    clients,
    never_refused,
    posting,
    reading,
    until,
)
from tests.support.serving import client_of, serving

PUBLISH_EVERY_SEC = 1
REPLAYS = 3

Waits = list[float]
"""How many seconds each request waited for its answer."""


def test_a_replay_amid_posting_at_full_speed_is_not_noticed(
    new_database: Callable[[], str], report: Callable[[str], None]
) -> None:
    url, ledger = new_database(), Ledger(seed=2)
    before: Waits = []
    during: Waits = []
    waits = [before]
    publisher = Publisher("course", PUBLISH_EVERY_SEC)
    works: list[Work] = [*[posting(ledger)] * CLIENTS, publisher, *map(reading, READINGS)]
    timed = [timing(never_refused(work), waits) for work in works]
    with serving(url, "--dev") as server:
        post_many(server.url, ledger)
        with clients([server.url], *timed):
            until(lambda: len(before) >= len(works) * 10)
            waits[0] = during
            for _ in range(REPLAYS):
                replay(url, {})

    assert during
    counts = asyncio.run(balance(url, new_database(), ledger))
    report(
        f"{make_url(url).get_backend_name()}: {REPLAYS} replays amid {len(during):,} requests, 0 refused: "
        f"the longest wait {max(during):.2f} s ({max(before):.2f} s before), {counts}"
    )


def timing(work: Work, waits: list[Waits]) -> Work:
    """As `work`, whose requests are timed."""

    def timed(client: httpx.Client, url: str) -> int | None:
        def began(_: httpx.Request) -> None:
            started.append(time.monotonic())

        def answered(_: httpx.Response) -> None:
            waits[0].append(time.monotonic() - started.pop())

        started: list[float] = []
        client.event_hooks = {"request": [began], "response": [answered]}
        return work(client, url)

    return timed


def post_many(url: str, ledger: Ledger) -> None:
    """Posts so much that several processes replay it."""
    with client_of(url, PATIENCE_SEC) as client:
        while len(ledger.sent) < MANY:
            drawn = [ledger.draw() for _ in range(50)]
            body = Body([event for some in drawn for event in some.events], sum(some.unknown for some in drawn))
            ledger.acknowledge(body, accepted(client.post("/v1/events", json=body.events)))
