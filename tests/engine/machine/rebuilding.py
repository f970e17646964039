"""Replaying: of all or of some, alone and while other things go on. What it says it changed is what one sees."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from engine.replay.run import replay
from engine.replay.store import ReplayReport, ReplayRequest
from tests.engine.expected import Rows
from tests.engine.machine.driven import Driven
from tests.engine.machine.facts import Break, breaks, server
from tests.engine.machine.tables import differing
from tests.engine.worlds import COURSES

users = st.sampled_from(["ada", "bob", "nobody"])
courses = st.sampled_from(COURSES)
whole = st.just((None, None))
scopes = st.one_of(whole, whole, st.tuples(users, st.none()), st.tuples(st.none(), courses), st.tuples(users, courses))
"""A learner and a course, or neither."""


class Rebuilding(Driven):
    """What rebuilds the derived tables from the log."""

    @rule(scope=scopes, publish=st.booleans(), server=server, changed=st.none() | breaks)
    def replay(
        self, scope: tuple[str | None, str | None], publish: bool, server: int, changed: set[Break] | None
    ) -> None:
        """Often because rules were changed, or mended."""
        user_id, course_id = scope
        if changed is not None:
            self.model.change_rules(changed)
        if course_id is None or course_id in self.model.histories:
            self.grant_all()
            self.model.earn()
            before = self.tables()
            request = ReplayRequest(user_id, course_id, publish=publish)
            report = self.run(self.replaying(request, server))
            self.model.replay(self.model.learners(user_id, course_id), self.clock.now, announce=publish)
            self.check_report(report, before, of_all=user_id is course_id is None)

    async def replaying(self, request: ReplayRequest, server: int) -> ReplayReport:
        """In this process alone, for only here rules are broken."""
        engine = self.servers[server]
        return await replay(engine.database, engine.context, self.clock, request._replace(workers=0))

    def check_report(self, report: ReplayReport, before: dict[str, Rows], *, of_all: bool) -> None:
        after = self.tables()
        old, new = ({row[0] for row in tables["lms_signal"]} for tables in (before, after))
        assert (report.signals_gained, report.signals_lost) == (len(new - old), len(old - new))
        assert report.rows_differing == len(differing(before, after))
        if of_all:
            assert (report.events, report.parked) == (len(self.model.facts), len(self.model.parked))
