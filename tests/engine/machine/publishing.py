"""Publishing: versions of courses, granted at once, later, or in chunks with other things in between."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from engine.courses import backfill, publish
from signals.course import CourseVersion
from tests.engine.machine.driven import Driven
from tests.engine.machine.facts import Publication, publications, server


class Publishing(Driven):
    """What changes the courses by which learners are judged."""

    @rule(publication=publications, server=server, grant_later=st.booleans())
    def publish(self, publication: Publication, server: int, grant_later: bool) -> None:
        must_be_at = self.model.published_at(*publication, self.clock.now)
        version = self.run(self.publishing(publication, server, grant_later=grant_later))
        assert (version and version.published_at) == must_be_at
        self.note(version)
        if not grant_later:
            self.grant_all()

    async def publishing(self, publication: Publication, server: int, *, grant_later: bool) -> CourseVersion | None:
        engine = self.servers[server]
        if grant_later:
            return await publish.publish(engine.database, *publication, self.clock)
        return await engine.publish(*publication)

    def note(self, version: CourseVersion | None) -> None:
        """Tells the model of a version, if one was published."""
        if version is not None:
            self.model.publish(version)
            self.granted = False

    @precondition(lambda self: not self.granted)
    @rule(server=server, chunks=st.integers(1, 2))
    def grant_some_chunks(self, server: int, chunks: int) -> None:
        engine = self.servers[server]
        for _ in range(chunks):
            for course_id, version in self.run(backfill.read_unfinished(engine.database))[:1]:
                self.run(backfill.backfill_chunk(engine.database, course_id, version, engine.context, self.clock))
        self.granted = not self.run(backfill.read_unfinished(engine.database))

    @precondition(lambda self: not self.granted)
    @rule()
    def grant_the_rest(self) -> None:
        self.grant_all()
