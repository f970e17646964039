"""The state machine: whatever happens, in whatever order, every table holds what the model says.

Each rule does something to the engine, and says to the model what became true by it.
"""

import asyncio
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from engine.ingest.submission import Receipt
from engine.parking.retry import RetryResult
from engine.replay.store import ReplayReport, ReplayRequest
from signals.course import CourseVersion
from signals.signal import SignalType
from tests.engine.machine.driven import Batch, unambiguous
from tests.engine.machine.facts import Deed, Publication, one_or_both, publications, several_batches, worths
from tests.engine.machine.posting import Posting
from tests.engine.machine.publishing import Publishing
from tests.engine.machine.rebuilding import Rebuilding
from tests.engine.machine.retrying import Retrying
from tests.engine.machine.verifying import Verifying


class Machine(Posting, Publishing, Retrying, Rebuilding, Verifying):
    """All that can happen: what the parts say, everything at once, and what happens to the servers themselves."""

    @rule(several=several_batches, publication=publications, servers=one_or_both)
    def post_publish_and_retry_at_the_same_time(
        self, several: list[list[Deed]], publication: Publication, servers: Sequence[int]
    ) -> None:
        facts = unambiguous(self.facts(several))
        due, earliest = self.model.due(self.clock.now), self.model.published_at(*publication, self.clock.now)
        receipts, version, retried = self.run(self.all_at_once(facts, publication, servers))
        self.granted = False
        self.check_receipts(facts, receipts)
        assert retried == self.model.retry(due, self.clock.now)
        latest = self.model.published_at(*publication, self.clock.now)
        if version is None or earliest is None or latest is None:
            assert (version, earliest, latest) == (None, None, None)
        else:
            assert earliest <= version.published_at <= latest
        self.note(version)
        self.grant_all()

    async def all_at_once(
        self, several: Sequence[Batch], publication: Publication, servers: Sequence[int]
    ) -> tuple[list[Receipt], CourseVersion | None, RetryResult]:
        return await asyncio.gather(
            self.submit(several, servers), self.servers[1].publish(*publication), self.retry_due(servers)
        )

    @precondition(lambda self: self.model.all_that_raises_is_parked())
    @rule(
        several=several_batches, publication=publications, user_id=st.sampled_from([None, "ada"]), servers=one_or_both
    )
    def replay_while_events_come_in_and_a_course_is_published(
        self, several: list[list[Deed]], publication: Publication, user_id: str | None, servers: Sequence[int]
    ) -> None:
        facts, request = unambiguous(self.facts(several)), ReplayRequest(user_id, publish=True)
        receipts, version, report = self.run(self.replaying_meanwhile(facts, publication, request, servers))
        self.granted = False
        self.check_receipts(facts, receipts)
        self.note(version)
        self.grant_all()
        self.model.earn()
        self.model.replay(self.model.learners(user_id), self.clock.now, announce=True)
        assert report.signals_lost == 0

    async def replaying_meanwhile(
        self, several: Sequence[Batch], publication: Publication, request: ReplayRequest, servers: Sequence[int]
    ) -> tuple[list[Receipt], CourseVersion | None, ReplayReport]:
        return await asyncio.gather(
            self.submit(several, servers), self.servers[1].publish(*publication), self.replaying(request, 0)
        )

    @rule(xp_values=st.none() | worths)
    def restart(self, xp_values: dict[SignalType, int] | None) -> None:
        """The servers, as they were, or with another setting of what signals are worth."""
        if xp_values is not None:
            self.grant_all()
            self.model.earn()
        self.stop()
        self.model.xp_values = xp_values or self.model.xp_values
        self.start()
