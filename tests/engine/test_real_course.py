"""Courses of the ten videos that real learners watched, published before, amid and after the import of what they did.

The signals are held to the definition, over proofs that are read straight from the statements in the file.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.engine import Engine
from eventstore.envelope import validate
from eventstore.event import Event
from integrations.xapi.translate import NotProgress, translate
from projections.tables import lms_xp
from signals.course import CourseHistory, CourseVersion, Step
from signals.signal import Signal, SignalType
from signals.tables import lms_signal
from tests.engine.expected import xp
from tests.engine.support import HandClock, running
from tests.signals.definition import Proof, signals

pytestmark = pytest.mark.slow

EXTENSION = "https://w3id.org/xapi/video/extensions/"
EVIDENCE = {"paused": "time", "completed": "time", "terminated": "time", "seeked": "time-from"}
"""What says where the learner was, by the last word of the verb."""

CHUNK = 2_000
MOST_WATCHED = 3

BEFORE = (datetime(2021, 11, 25, tzinfo=UTC), datetime(2021, 11, 27, tzinfo=UTC))
AMID = (datetime(2021, 11, 28, 12, tzinfo=UTC), datetime(2021, 11, 28, 13, tzinfo=UTC))
AFTER = (datetime(2021, 12, 3, tzinfo=UTC), datetime(2021, 12, 4, tzinfo=UTC))
END_OF_IMPORT = datetime(2021, 12, 2, tzinfo=UTC)
"""All that was done was done between 24 November and 1 December 2021."""

Statement = dict[str, Any]


@pytest.fixture(scope="module")
def statements(xapi_file: Path) -> list[Statement]:
    """Every statement of the file, in its order, which is not that of time."""
    with gzip.open(xapi_file, "rt") as lines:
        return [json.loads(line) for line in lines]


async def test_courses_published_before_amid_and_after_the_import_give_the_signals_of_the_definition(
    new_database: Callable[[], str], statements: list[Statement]
) -> None:
    # given courses of all ten videos, others that grow from three steps to ten, others that shrink from ten to three
    proved = list(proofs(statements))
    three, ten = steps(proved, MOST_WATCHED), steps(proved, 10)
    courses = [
        history(f"{name} {when}", times, versions)
        for name, versions in (("stays", (ten,)), ("grows", (three, ten)), ("shrinks", (ten, three)))
        for when, times in (("before", BEFORE), ("amid", AMID), ("after", AFTER))
    ]

    # when they are published at their times, and the statements are imported in between
    found, places = await live(new_database(), courses, statements)

    # then every learner has the signals of the definition, and the XP that they earn
    granted = signals(proved, courses)
    assert found == granted
    assert places == dict(xp(granted))
    assert all(course_completed(course, granted) for course in courses if three in (v.steps for v in course))
    # and a course that never changed gives the same, whenever it was published
    assert len({steps_completed(course, found) for course in courses if len(course) == 1}) == 1


def steps_completed(course: CourseHistory, found: Iterable[Signal]) -> frozenset[tuple[str, str | None, datetime]]:
    """Who completed which step of the course, and when."""
    return frozenset((s.user_id, s.class_id, s.occurred_at) for s in found if s.course_id == course[0].course_id)


def course_completed(course: CourseHistory, granted: Iterable[Signal]) -> int:
    """How many completed it: there are some of each course, or the test would show little."""
    return Counter((s.type, s.course_id) for s in granted)[SignalType.COURSE_COMPLETED, course[0].course_id]


def steps(proved: Iterable[Proof], number: int) -> tuple[Step, ...]:
    """The videos that most learners watched to the end, as steps of a course."""
    watched = Counter(class_id for class_id, _ in {(proof.class_id, proof.user_id) for proof in proved})
    return tuple(Step(video, video, video_id=video) for video, _ in watched.most_common(number))


def history(course_id: str, times: tuple[datetime, datetime], versions: tuple[tuple[Step, ...], ...]) -> CourseHistory:
    return tuple(
        CourseVersion(course_id, number, course_id, its_steps, published_at)
        for number, (published_at, its_steps) in enumerate(zip(times, versions, strict=False), start=1)
    )


def proofs(statements: Iterable[Statement]) -> Iterator[Proof]:
    """Which statements show that a learner got to 90 % of a video."""
    for statement in statements:
        where = EVIDENCE.get(statement["verb"]["id"].rpartition("/")[2])
        said = {**statement["context"]["extensions"], **statement["result"]["extensions"]} if where else {}
        if where and said[EXTENSION + where] >= 0.9 * said[EXTENSION + "length"]:
            instant = datetime.fromisoformat(statement["timestamp"]).astimezone(UTC)
            yield Proof(statement["actor"]["account"]["name"], statement["object"]["id"], "video", instant)


async def live(
    url: str, courses: list[CourseHistory], statements: list[Statement]
) -> tuple[set[Signal], dict[tuple[str, str, str], int]]:
    """Publishes and imports, each at its time. The signals and the places on leaderboards that follow."""
    clock = HandClock()
    async with running(url, clock) as engine:
        await publish(engine, clock, courses, BEFORE)
        await import_until(AMID[0], engine, clock, statements)
        await publish(engine, clock, courses, AMID)
        await import_until(END_OF_IMPORT, engine, clock, statements)
        await publish(engine, clock, courses, AFTER)
        await engine.run_pending_work()
        async with engine.database.read() as connection:
            s, x = lms_signal.c, lms_xp.c
            found = await connection.execute(select(s.type, s.user_id, s.class_id, s.course_id, s.occurred_at))
            places = await connection.execute(select(x.user_id, x.course_id, x.period, x.xp))
            return {Signal(*row) for row in found}, {(u, c, p): number for u, c, p, number in places}


async def publish(engine: Engine, clock: HandClock, courses: list[CourseHistory], times: tuple[datetime, ...]) -> None:
    """Publishes those versions whose time it is."""
    for published_at in times:
        clock.now = published_at
        for version in (v for course in courses for v in course if v.published_at == published_at):
            assert await engine.publish(version.course_id, version.title, version.steps) is not None


async def import_until(until: datetime, engine: Engine, clock: HandClock, statements: list[Statement]) -> None:
    """Imports what was stated by then, in the order of the file; what is there already is a duplicate."""
    clock.now = until
    known = [s for s in statements if datetime.fromisoformat(s["timestamp"]) < until]
    events = list(to_events(known, until))
    for start in range(0, len(events), CHUNK):
        await engine.ingest.submit(events[start : start + CHUNK])


def to_events(statements: Iterable[Statement], now: datetime) -> Iterator[Event]:
    for statement in statements:
        envelope = translate(statement)
        if not isinstance(envelope, NotProgress):
            yield validate(envelope, now, "xapi")
