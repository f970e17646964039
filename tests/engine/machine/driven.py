"""Two servers on one database, driven step by step, and the model beside them; after each step they are compared.

The servers' loop runs while a step does, and stands still in between.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from itertools import chain
from typing import Any, TypeVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from engine.engine import Engine
from engine.ingest.submission import Receipt
from engine.limits import Limits
from eventstore.db.database import Database
from eventstore.envelope import CLOCK_SKEW, validate
from eventstore.event import Event
from tests.engine.expected import Rows
from tests.engine.machine.facts import Break, Deed
from tests.engine.machine.model import Model
from tests.engine.machine.tables import differences, found
from tests.engine.support import HandClock, at
from tests.engine.worlds import Fact

START = at(3.25)
"""What is drawn can have occurred in the three days before: a week and a month ended in them."""

SMALL = Limits(
    backfill_learners=1,
    retries_per_transaction=2,
    python_fold_seqs=3,
    derive_learners=1,
    catch_up_events=2,
    short_round_seqs=2,
    swap_pause_sec=0.01,
    recopy_learners=1,
    in_place_learners=1,
    sampled_learners=2,
    compare_learners=2,
    verify_learners=1,
)
"""Limits by which a few learners and a few events are several chunks."""

GRANTED = ("lms_signal", "lms_xp", "lms_xp_histogram", "lms_outbox")
"""What may still be to come while a version is not granted to everyone."""

T = TypeVar("T")
Batch = Sequence[Fact]


class Driven(RuleBasedStateMachine):
    """What rules act on. `broken` is the set that breaks the engine's rules."""

    def __init__(self, url: str, broken: set[Break]) -> None:
        super().__init__()
        broken.clear()
        self.url = url
        self.clock = HandClock(START)
        self.model = Model(broken)
        self.granted = True
        self.runner = asyncio.Runner()
        self.start()

    def teardown(self) -> None:
        self.stop()
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def start(self) -> None:
        """Starts both servers by the worth in force, and has them grant what is left to be granted."""
        self.open = AsyncExitStack()
        self.servers = [self.run(self._server()) for _ in range(2)]
        self.grant_all()

    async def _server(self) -> Engine:
        database = Database(self.url)
        self.open.push_async_callback(database.close)
        return await self.open.enter_async_context(Engine(database, self.model.xp_values, self.clock, limits=SMALL))

    def stop(self) -> None:
        self.run(self.open.aclose())

    def grant_all(self) -> None:
        self.run(self.servers[0].run_pending_work())
        self.granted = True

    async def submit(self, several: Sequence[Batch], servers: Sequence[int]) -> list[Receipt]:
        """Submits batches at the same time, to the servers in turn."""
        turns = [self.servers[servers[number % len(servers)]] for number in range(len(several))]
        submissions = [
            server.ingest.submit([self.through_the_gate(fact) for fact in batch])
            for server, batch in zip(turns, several, strict=True)
        ]
        return await asyncio.gather(*submissions)

    def facts(self, several: Sequence[Sequence[Deed]]) -> list[list[Fact]]:
        """The deeds, with the times that they have now."""
        return [[deed.fact(self.clock()) for deed in deeds] for deeds in several]

    def through_the_gate(self, fact: Fact) -> Event:
        return validate({**fact.envelope, "occurred_at": fact.occurred_at.isoformat()}, self.clock(), "test")

    def deliverable(self, batch: Batch) -> list[Fact]:
        """Those that the gate does not refuse, now that the clock may have been set back."""
        return [fact for fact in batch if fact.occurred_at <= self.clock() + CLOCK_SKEW]

    def check_receipts(self, several: Sequence[Batch], receipts: Sequence[Receipt]) -> None:
        """Each event counts once, and each signal is told once."""
        news = sum(self.model.receive(fact, self.clock()) for batch in several for fact in batch)
        known = sum(map(len, several)) - news
        assert (sum(r.accepted for r in receipts), sum(r.duplicates for r in receipts)) == (news, known)
        told = [signal.signal_id for receipt in receipts for signal in receipt.signals]
        if self.granted:
            assert sorted(told) == sorted(self.model.earn()), "each new signal is told, once"

    def tables(self) -> dict[str, Rows]:
        return self.run(found(self.servers[0].database))

    @invariant()
    def nothing_differs(self) -> None:
        if self.granted:
            self.model.earn()
        there, expected = self.tables(), self.model.tables()
        if not self.granted:
            early = [row for row in there["lms_signal"] if row[:-1] not in [row[:-1] for row in expected["lms_signal"]]]
            assert early == [], "signals are granted that must not be"
            there, expected = without_grants(there), without_grants(expected)
        report = differences(there, expected)
        assert not report, f"there and wrong (+), or missing (-):\n{report}"


def without_grants(tables: dict[str, Rows]) -> dict[str, Rows]:
    """The tables less what granting a version still changes: signals, and the course that a class is shown under."""
    kept = {name: rows for name, rows in tables.items() if name not in GRANTED}
    return {**kept, "lms_progress": [(*row[:2], *row[3:]) for row in kept["lms_progress"]]}


def unambiguous(several: Sequence[Batch]) -> list[list[Fact]]:
    """The same batches, with one content for each key: on two servers, nobody can say which comes first."""
    first: dict[tuple[str, str], Fact] = {}
    for fact in chain.from_iterable(several):
        first.setdefault((fact.envelope["user_id"], fact.envelope["event_id"]), fact)
    return [[first[fact.envelope["user_id"], fact.envelope["event_id"]] for fact in batch] for batch in several]
