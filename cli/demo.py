"""The demonstration: a sample course and simulated learners, to look at before an integration.

The learners do the same things on every machine, up to the time of the simulation.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid5

from sqlalchemy import select

from engine.engine import Engine
from eventstore.envelope import validate
from eventstore.event import Event
from eventstore.tables import lms_event
from eventstore.times import to_text
from signals.course import Step

NAMESPACE = UUID("7a3c9d52-6c0b-5f4e-8d0f-6f3f0e7b9c11")
COURSE_ID = "python-101"
TITLE = "Python from the beginning"
STEPS = (
    Step("intro", "Welcome", video_id="intro-video"),
    Step("variables", "Names and values", video_id="variables-video", quiz_id="variables-quiz"),
    Step("loops", "Doing it again", video_id="loops-video", quiz_id="loops-quiz"),
    Step("functions", "Saying it once", video_id="functions-video", quiz_id="functions-quiz"),
    Step("exam", "The exam", quiz_id="exam-quiz"),
)
LEARNERS = ("ada", "alan", "barbara", "dennis", "edsger", "frances", "grace", "katherine", "ken", "margaret")
DAYS = 8
PING_EVERY_SEC = 10
VIDEO_SEC = 300
PASS_SCORE = 6


async def simulate(engine: Engine) -> bool:
    """Fill an empty database. Return whether it was empty."""
    if not await is_empty(engine):
        return False
    await engine.publish(COURSE_ID, TITLE, STEPS)
    await engine.ingest.submit(list(events(engine.clock())))
    return True


async def is_empty(engine: Engine) -> bool:
    """Return whether the database is empty, or has only the course of a simulation that was interrupted."""
    async with engine.database.read() as connection:
        if await connection.scalar(select(1).select_from(lms_event).limit(1)):
            return False
        courses = await engine.context.courses.courses(connection)
    versions = (version for history in courses.histories.values() for version in history)
    return all((version.title, version.steps) == (TITLE, STEPS) for version in versions)


def events(now: datetime) -> Iterator[Event]:
    """Return the events of the learners in the days before `now`."""
    for number, user_id in enumerate(LEARNERS):
        random = Random(number)  # noqa: S311 - a simulation, the same every time
        at = now - timedelta(days=DAYS) + timedelta(hours=random.uniform(0, 48))
        for step in STEPS[: random.randint(1, len(STEPS))]:
            for posted, after in simulate_step(step, random):
                at += after
                if at <= now:
                    yield event(user_id, step, posted, at, now)
            at += timedelta(hours=random.uniform(2, 60))


def simulate_step(step: Step, random: Random) -> Iterator[tuple[dict[str, object], timedelta]]:
    """Simulate a step: the learner watches most of the video, then tries the quiz until it is passed."""
    if step.video_id is not None:
        seen = random.choice([VIDEO_SEC, VIDEO_SEC, VIDEO_SEC, random.randrange(60, VIDEO_SEC)])
        for position in range(0, seen + 1, PING_EVERY_SEC):
            payload = {"video_id": step.video_id, "position": position, "duration": VIDEO_SEC}
            yield {"type": "VIDEO_PING", "payload": payload}, timedelta(seconds=PING_EVERY_SEC)
    while step.quiz_id is not None:
        score = random.randint(3, 10)
        passed = score >= PASS_SCORE
        payload = {"quiz_id": step.quiz_id, "score": score, "max_score": 10, "passed": passed}
        yield {"type": "QUIZ_SUBMIT", "payload": payload}, timedelta(minutes=random.uniform(3, 30))
        if passed:
            return


def event(user_id: str, step: Step, posted: dict[str, object], at: datetime, now: datetime) -> Event:
    envelope = posted | {
        "event_id": str(uuid5(NAMESPACE, f"{user_id} {step.class_id} {to_text(at)}")),
        "user_id": user_id,
        "class_id": step.class_id,
        "course_id": COURSE_ID,
        "occurred_at": to_text(at),
    }
    return validate(envelope, now, source="demo")
