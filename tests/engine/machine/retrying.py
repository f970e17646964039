"""Retrying: rules break and are mended, and what they raised on is tried again, by whoever and whenever."""

import asyncio
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from engine.parking import retry
from engine.parking.park import retry_id
from engine.parking.retry import RetryResult
from tests.engine.machine.driven import Driven
from tests.engine.machine.facts import Break, breaks, one_or_both, server


class Retrying(Driven):
    """What parks events, and what brings them in after all."""

    @rule(breaks=breaks)
    def break_and_mend_rules(self, breaks: set[Break]) -> None:
        self.model.change_rules(breaks)

    @precondition(lambda self: bool(self.model.parked))
    @rule(servers=one_or_both)
    def retry_what_is_due(self, servers: Sequence[int]) -> None:
        done = self.run(self.retry_due(servers))
        assert done == self.model.retry(self.model.due(self.clock.now), self.clock.now)

    async def retry_due(self, servers: Sequence[int]) -> RetryResult:
        """What is due, retried by those servers at the same time: between them, each once."""
        engines = [self.servers[number] for number in servers]
        retries = [retry.retry_due(engine.database, engine.context, self.clock) for engine in engines]
        succeeded, failed = zip(*await asyncio.gather(*retries), strict=True)
        return RetryResult(sum(succeeded), sum(failed))

    @precondition(lambda self: bool(self.model.parked))
    @rule(dead=st.booleans(), server=server)
    def retry_all(self, dead: bool, server: int) -> None:
        engine = self.servers[server]
        done = self.run(retry.retry_all(engine.database, engine.context, self.clock, dead=dead))
        keys = [key for key, parked in self.model.parked.items() if dead or parked.status == "pending"]
        assert done == self.model.retry(keys, self.clock.now)

    @precondition(lambda self: bool(self.model.parked))
    @rule(number=st.integers(0, 5), server=server)
    def retry_one(self, number: int, server: int) -> None:
        engine = self.servers[server]
        key = sorted(self.model.parked)[number % len(self.model.parked)]
        parked = retry_id(*key, self.model.parked[key].rule)
        succeeded = self.run(retry.retry_one(engine.database, parked, engine.context, self.clock))
        assert succeeded == self.model.retry_one(key, self.clock.now)
