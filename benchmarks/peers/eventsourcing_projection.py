"""The library eventsourcing projects events into a SQLite view, as its chapter on projections has it.

An application with the SQLite recorder has the log; each event is handed to a Projection, whose view is a SQLite
tracking recorder: the row and the position in the log are one transaction an event. A ProjectionRunner would take the
events from a subscription, which the SQLite recorder does not have; so they come from its notifications, by sections.
"""

import sys
import tempfile
import time
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.projection import Projection
from eventsourcing.sqlite import SQLiteFactory, SQLiteTrackingRecorder

from benchmarks.peers.progress import Sums, events, sums, tell

SECTION_EVENTS = 1_000

CREATE_PROGRESS = """
    CREATE TABLE IF NOT EXISTS progress (
        user_id TEXT, class_id TEXT, position INTEGER, video INTEGER, quiz INTEGER, score INTEGER,
        PRIMARY KEY (user_id, class_id)
    )
"""
MERGE = """
    INSERT INTO progress VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id, class_id) DO UPDATE SET
        position = max(position, excluded.position), video = max(video, excluded.video),
        quiz = max(quiz, excluded.quiz), score = max(score, excluded.score)
"""


class Learner(Aggregate):
    """One learner; what a learner does are its events."""

    class Registered(Aggregate.Created):
        user_id: str

    class Pinged(Aggregate.Event):
        user_id: str
        class_id: str
        position: float
        duration: float

    class Submitted(Aggregate.Event):
        user_id: str
        class_id: str
        score: float
        passed: bool

    @event(Registered)
    def __init__(self, user_id: str) -> None:
        self.user_id = user_id

    @staticmethod
    def create_id(user_id: str) -> UUID:
        return uuid5(NAMESPACE_URL, user_id)

    @event(Pinged)
    def ping(self, user_id: str, class_id: str, position: float, duration: float) -> None:
        """Nothing that the aggregate itself would need to know."""

    @event(Submitted)
    def submit(self, user_id: str, class_id: str, score: float, passed: bool) -> None:  # noqa: FBT001
        """Nothing that the aggregate itself would need to know."""


class Learners(Application[UUID]):
    """The log."""


class ProgressView(SQLiteTrackingRecorder):
    """A row a learner and a class."""

    def construct_create_table_statements(self) -> list[str]:
        return [*super().construct_create_table_statements(), CREATE_PROGRESS]

    def advance(self, row: tuple[Any, ...], tracking: Tracking) -> None:
        """Merges a row into the one that is there, and notes the position, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(MERGE, row)

    def sums(self) -> Sums:
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute("SELECT position, video, quiz, score FROM progress")
            return sums(tuple(row) for row in cursor.fetchall())


class ProgressProjection(Projection[ProgressView]):
    """One upsert an event."""

    name = "progress"

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ARG002 - its base's name
        self.view.insert_tracking(tracking)

    @process_event.register
    def _(self, ping: Learner.Pinged, tracking: Tracking) -> None:
        done = ping.position * 10 >= ping.duration * 9
        self.view.advance((ping.user_id, ping.class_id, int(ping.position), done, 0, 0), tracking)

    @process_event.register
    def _(self, submission: Learner.Submitted, tracking: Tracking) -> None:
        row = (submission.user_id, submission.class_id, 0, 0, submission.passed, int(submission.score))
        self.view.advance(row, tracking)


def record(app: Application[UUID], file: str) -> None:
    """Writes the log."""
    learners: dict[str, Learner] = {}
    for said in events(file):
        user_id, payload = said["user_id"], said["payload"]
        learner = learners.get(user_id) or learners.setdefault(user_id, Learner(user_id))
        if said["type"] == "VIDEO_PING":
            learner.ping(user_id, said["class_id"], payload["position"], payload["duration"])
        else:
            learner.submit(user_id, said["class_id"], payload["score"], payload["passed"])
    app.save(*learners.values())


def project(app: Application[UUID], projection: ProgressProjection) -> None:
    """Processes all events of the log, as the loop of a runner does."""
    position = 0
    while section := app.recorder.select_notifications(start=position + 1, limit=SECTION_EVENTS):
        for notification in section:
            position = notification.id
            projection.process_event(app.mapper.to_domain_event(notification), Tracking(app.name, position))


def main(file: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sqlite = {"PERSISTENCE_MODULE": "eventsourcing.sqlite"}
        app = Learners(sqlite | {"SQLITE_DBNAME": f"{folder}/log.db"})
        record(app, file)
        started = time.perf_counter()
        view = SQLiteFactory(sqlite | {"SQLITE_DBNAME": f"{folder}/progress.db"}).tracking_recorder(ProgressView)
        project(app, ProgressProjection(view))
        tell(time.perf_counter() - started, view.sums())
        app.close()


if __name__ == "__main__":
    main(sys.argv[1])
