"""The events that are measured with: each a function of its number, so that any of them can be drawn again.

Learners watch videos and hand in quizzes in 40 classes, over 60 days; four courses of ten steps hold all classes.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

from eventstore.event import Event
from eventstore.times import to_text

CLASSES = 40
COURSES = 4
STEPS = CLASSES // COURSES
DURATION_SEC = 600
MAX_SCORE = 10
QUIZZES_OF_256 = 26
SPAN = timedelta(days=60)
SCRAMBLE = 2_654_435_761
"""A prime: multiples of it go through all learners, in no order that an index could profit from."""

DICE = Struct(">16sBIBBH")
"""What is drawn for an event: its id, class, time, whether it is a quiz, whether it names its course, how far."""


class Shape(NamedTuple):
    """How many events of how many learners, all before `until`. `by_learner`: one learner's after the other's."""

    events: int
    learners: int
    until: datetime
    by_learner: bool = False


def draw(shape: Shape, number: int) -> Event:
    """The event of that number: one in ten a quiz, half of them passed; the rest pings anywhere in a video."""
    dice = blake2b(number.to_bytes(8), digest_size=DICE.size).digest()
    key, klass, moment, kind, names_course, rolled = DICE.unpack(dice)
    class_name, is_quiz = f"{klass % CLASSES:02d}", kind < QUIZZES_OF_256
    return Event(
        event_id=str(UUID(bytes=key, version=4)),
        type="QUIZ_SUBMIT" if is_quiz else "VIDEO_PING",
        version="1.0",
        user_id=user_id(learner_of(shape, number)),
        class_id=f"class-{class_name}",
        course_id=f"course-{klass % CLASSES // STEPS}" if names_course % 2 else None,
        payload=quiz(class_name, rolled) if is_quiz else ping(class_name, rolled),
        occurred_at=shape.until - SPAN * (moment / 2**32),
        recorded_at=shape.until,
        source="import",
        correlation_id=None,
    )


def learner_of(shape: Shape, number: int) -> int:
    return number * shape.learners // shape.events if shape.by_learner else number * SCRAMBLE % shape.learners


def numbers_of(shape: Shape, learner: int) -> Iterator[int]:
    """The numbers of one learner's events."""
    if shape.by_learner:
        first = -(-learner * shape.events // shape.learners)
        yield from range(first, -(-(learner + 1) * shape.events // shape.learners))
    else:
        yield from range(learner * pow(SCRAMBLE, -1, shape.learners) % shape.learners, shape.events, shape.learners)


def user_id(learner: int) -> str:
    return f"learner-{learner:07d}"


def ping(class_name: str, rolled: int) -> str:
    position = round(rolled / 2**16 * DURATION_SEC, 1)
    return f'{{"video_id":"video-{class_name}","position":{position},"duration":{DURATION_SEC}}}'


def quiz(class_name: str, rolled: int) -> str:
    score = rolled % MAX_SCORE
    passed = "true" if score >= MAX_SCORE / 2 else "false"
    return f'{{"quiz_id":"quiz-{class_name}","score":{score},"max_score":{MAX_SCORE},"passed":{passed}}}'


def line(event: Event) -> str:
    """The event as a line of NDJSON, as `POST /v1/events` and `import` take it."""
    course = f'"course_id":"{event.course_id}",' if event.course_id else ""
    return (
        f'{{"type":"{event.type}","event_id":"{event.event_id}","user_id":"{event.user_id}",'
        f'"class_id":"{event.class_id}",{course}"occurred_at":"{to_text(event.occurred_at)}","payload":{event.payload}}}\n'
    )


def courses() -> list[dict[str, Any]]:
    """The courses, as they are published. Their steps ask for a video, a quiz, and both, in turn."""
    return [
        {
            "course_id": f"course-{course}",
            "title": f"Course {course}",
            "steps": [step(course * STEPS + number) for number in range(STEPS)],
        }
        for course in range(COURSES)
    ]


def step(number: int) -> dict[str, Any]:
    asks: dict[str, Any] = {"class_id": f"class-{number:02d}", "title": f"Class {number}"}
    if number % 3 != 1:
        asks["video_id"] = f"video-{number:02d}"
    if number % 3 != 0:
        asks["quiz_id"] = f"quiz-{number:02d}"
    return asks


class Expected(NamedTuple):
    """A row of v_user_progress, less the course, as the events of a learner in a class add up."""

    class_id: str
    video_max_position_sec: int
    video_completed: int
    quiz_passed: int
    quiz_score: int | None

    @property
    def earns(self) -> bool:
        """Whether it gives XP."""
        return bool(self.video_completed or self.quiz_passed)


def expected(shape: Shape, learner: int) -> list[Expected]:
    """The rows of one learner, by class: counted in the plainest way, and not by the product's rules."""
    rows: dict[str, Expected] = {}
    for event in (draw(shape, number) for number in numbers_of(shape, learner)):
        row = rows.get(event.class_id, Expected(event.class_id, 0, 0, 0, None))
        said = json.loads(event.payload)
        if event.type == "VIDEO_PING":
            done = said["position"] * 10 >= said["duration"] * 9
            row = row._replace(
                video_max_position_sec=max(row.video_max_position_sec, int(said["position"])),
                video_completed=int(row.video_completed or done),
            )
        else:
            row = row._replace(
                quiz_score=max(row.quiz_score or 0, said["score"]),
                quiz_passed=int(row.quiz_passed or said["passed"]),
            )
        rows[event.class_id] = row
    return [rows[class_id] for class_id in sorted(rows)]
