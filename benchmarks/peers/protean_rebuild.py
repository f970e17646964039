"""The library Protean rebuilds a projection in SQLite by its `rebuild_projection`, as its guide on projections has it.

Its log is in its store in memory, the only one that it has without a server. That store copies all it has for every
reading outside of a unit of work; so the log is written and read in one each, which makes it many times faster.
"""

import logging
import sys
import tempfile
import time
from typing import Any

from protean import Domain, UnitOfWork
from protean.core.aggregate import BaseAggregate
from protean.core.event import BaseEvent
from protean.core.projection import BaseProjection
from protean.core.projector import BaseProjector, on
from protean.exceptions import ObjectNotFoundError
from protean.fields import Boolean, Float, Identifier, Integer, String
from protean.utils.globals import current_domain
from protean.utils.projection_rebuilder import rebuild_projection

from benchmarks.peers.progress import Sums, events, sums, tell

domain = Domain(name="Progress")
logging.disable(logging.WARNING)


@domain.aggregate
class Learner(BaseAggregate):
    """One learner; what a learner does are its events."""

    user_id = Identifier(identifier=True)


@domain.event(part_of="Learner")
class Pinged(BaseEvent):
    """Where in a class's video the learner is."""

    user_id = Identifier()
    class_id = String()
    position = Float()
    duration = Float()


@domain.event(part_of="Learner")
class Submitted(BaseEvent):
    """What came of a class's quiz."""

    user_id = Identifier()
    class_id = String()
    score = Float()
    passed = Boolean()


@domain.projection
class Progress(BaseProjection):
    """A row a learner and a class."""

    key = Identifier(identifier=True)
    position = Integer(default=0)
    video = Boolean(default=False)
    quiz = Boolean(default=False)
    score = Integer(default=0)


@domain.projector(projector_for=Progress, aggregates=[Learner])
class ProgressProjector(BaseProjector):
    """Loads the row, changes it, adds it, an event."""

    @on(Pinged)
    def on_pinged(self, ping: Any) -> None:
        row = row_of(ping)
        row.position = max(row.position, int(ping.position))
        row.video = row.video or ping.position * 10 >= ping.duration * 9
        current_domain.repository_for(Progress).add(row)

    @on(Submitted)
    def on_submitted(self, submission: Any) -> None:
        row = row_of(submission)
        row.score = max(row.score, int(submission.score))
        row.quiz = row.quiz or submission.passed
        current_domain.repository_for(Progress).add(row)


def row_of(said: Any) -> Any:
    """The row of the event's learner and class; a new one if there is none."""
    key = f"{said.user_id}/{said.class_id}"
    try:
        return current_domain.repository_for(Progress).get(key)
    except ObjectNotFoundError:
        return Progress(key=key)


def record(file: str) -> None:
    """Writes the log: the events of a learner, raised by its aggregate."""
    learners: dict[str, Any] = {}
    for said in events(file):
        user_id, payload = said["user_id"], said["payload"]
        learner = learners.get(user_id) or learners.setdefault(user_id, Learner(user_id=user_id))
        kind = Pinged if said["type"] == "VIDEO_PING" else Submitted
        fields = {name: payload[name] for name in ("position", "duration", "score", "passed") if name in payload}
        learner.raise_(kind(user_id=user_id, class_id=said["class_id"], **fields))
    for learner in learners.values():
        for raised in learner._events:
            domain.event_store.store.append(raised)


def totals() -> Sums:
    rows = domain.view_for(Progress).query.limit(None).all().items
    return sums((row.position, row.video, row.quiz, row.score) for row in rows)


def read_in_one(store: Any) -> None:
    """Has each of the store's readings be a unit of work."""
    read = store._read

    def read_in_unit_of_work(*where: Any, **page: Any) -> Any:
        with UnitOfWork():
            return read(*where, **page)

    store._read = read_in_unit_of_work


def main(file: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        domain.config["databases"]["default"] = {"provider": "sqlite", "database_uri": f"sqlite:///{folder}/rows.db"}
        domain.init(traverse=False)
        with domain.domain_context():
            domain.setup_database()
            with UnitOfWork():
                record(file)
            read_in_one(domain.event_store.store)
            started = time.perf_counter()
            result = rebuild_projection(domain, Progress)
            seconds = time.perf_counter() - started
            if not result.success or result.events_skipped:
                sys.exit(f"expected all events to be dispatched, found {result}")
            tell(seconds, totals())


if __name__ == "__main__":
    main(sys.argv[1])
