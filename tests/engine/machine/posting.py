"""Posting: events come in, alone and together, for the first time and again, in any order, to either server."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.engine.machine.driven import Driven, unambiguous
from tests.engine.machine.facts import (
    BATCH,
    TICK,
    Deed,
    batches,
    one_or_both,
    pauses,
    server,
    several_batches,
    tick_before,
)
from tests.engine.worlds import Fact


class Posting(Driven):
    """What brings events in, and what time it is meanwhile."""

    sent: Bundle[list[Fact]] = Bundle("sent")

    @rule(target=sent, deeds=batches, server=server)
    def post(self, deeds: list[Deed], server: int) -> list[Fact]:
        (facts,) = self.facts([deeds])
        self.check_receipts([facts], self.run(self.submit([facts], [server])))
        return facts

    @rule(several=several_batches, servers=one_or_both)
    def post_at_the_same_time(self, several: list[list[Deed]], servers: Sequence[int]) -> None:
        facts = self.facts(several) if len(servers) == 1 else unambiguous(self.facts(several))
        self.check_receipts(facts, self.run(self.submit(facts, servers)))

    @rule(batch=sent, order=st.permutations(range(BATCH)), server=server)
    def repeat(self, batch: list[Fact], order: list[int], server: int) -> None:
        again = self.deliverable([batch[place] for place in order if place < len(batch)])
        self.check_receipts([again], self.run(self.submit([again], [server])))

    @rule(pause=pauses)
    def let_time_pass(self, pause: timedelta | int) -> None:
        """Some time, or so many ticks."""
        if isinstance(pause, int):
            self.clock.now = tick_before(self.clock.now) + pause * TICK
        else:
            self.clock.now += pause
