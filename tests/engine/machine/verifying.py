"""Verifying: it names the rows that a replay of all would change, and no others; and repairing does what that would."""

from collections import Counter
from contextlib import aclosing
from copy import deepcopy

from hypothesis import strategies as st
from hypothesis.stateful import rule

from engine.verify.daily_counts import DAILY, repair_daily
from engine.verify.repair import repair_learners
from engine.verify.table_diff import Difference
from engine.verify.verify import verify
from engine.verify.xp_histogram import HISTOGRAM, repair_histogram
from tests.engine.machine.driven import Driven
from tests.engine.machine.facts import server
from tests.engine.machine.tables import differing
from tests.engine.rows import change

TAMPERINGS = [
    "UPDATE lms_progress SET video_max_position_sec = 7777",
    "UPDATE lms_progress SET quiz_passed_at = NULL, course_id = 'tampered' WHERE user_id = 'ada'",
    "DELETE FROM lms_progress WHERE class_id = 'a'",
    "UPDATE lms_signal SET xp = xp + 1 WHERE type = 'STEP_COMPLETED'",
    "DELETE FROM lms_signal WHERE class_id = 'a' OR class_id IS NULL",
    "UPDATE lms_xp SET xp = xp + 1 WHERE period = 'all'",
    "DELETE FROM lms_xp WHERE course_id = ''",
    "INSERT INTO lms_xp VALUES ('ghost', '', 'all', 5)",
    "DELETE FROM lms_learner WHERE user_id = 'ada'",
    "UPDATE lms_event_daily SET events = events + 1 WHERE type = 'VIDEO_PING'",
    "DELETE FROM lms_event_daily WHERE type = 'QUIZ_SUBMIT'",
    "UPDATE lms_xp_histogram SET learners = learners + 1 WHERE xp > 20",
    "DELETE FROM lms_xp_histogram WHERE period = 'all'",
]


class Verifying(Driven):
    """What finds that derived tables are not what the log says, and mends them."""

    @rule(tampering=st.none() | st.sampled_from(TAMPERINGS), server=server)
    def verify(self, tampering: str | None, server: int) -> None:
        """What was tampered with is mended; what would only change by a replay may stay as it is."""
        if tampering is not None:
            self.grant_all()
            self.run(change(self.servers[server].database, tampering))
        self.granted = True
        self.model.earn()
        named = self.run(self.verifying(server))
        self.grant_all()
        self.check_named(named)
        if tampering is not None:
            self.run(self.mending(named, server))
            self.model.replay(self.model.learners(), self.clock.now, announce=False)

    async def verifying(self, server: int) -> list[Difference]:
        engine = self.servers[server]
        async with aclosing(verify(engine.database, engine.context, self.clock, lambda *_: None)) as chunks:
            return [difference async for chunk in chunks for difference in chunk]

    def check_named(self, named: list[Difference]) -> None:
        replayed = deepcopy(self.model)
        replayed.replay(self.model.learners(), self.clock.now, announce=False)
        there = self.tables()
        wanted = Counter(table for table, _ in differing(there, replayed.tables()))
        assert Counter(table for table, _ in {(d.table, d.key) for d in named if d.table != HISTOGRAM}) == wanted
        places = set(Counter(place[1:] for place in there["lms_xp"]).items())
        counted = {(row[:-1], row[-1]) for row in there[HISTOGRAM]}
        levels = {(course_id, period, str(xp)) for (course_id, period, xp), _ in places ^ counted}
        assert {difference.key for difference in named if difference.table == HISTOGRAM} == levels

    async def mending(self, named: list[Difference], server: int) -> None:
        """As `lms-progress verify --repair` does."""
        engine = self.servers[server]
        learners = sorted({difference.key[0] for difference in named if difference.table not in (DAILY, HISTOGRAM)})
        await repair_learners(engine.database, learners, engine.context, self.clock, announce=False)
        await repair_daily(engine.database, engine.context)
        await repair_histogram(engine.database, engine.context)
