"""What the machine draws: what learners do, what courses become, what breaks, what signals are worth.

Few learners, classes and instants, so that what is drawn meets; times are drawn as so long ago.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from signals.course import Step
from signals.signal import SignalType
from tests.engine.support import DAY_0, INSTANT
from tests.engine.worlds import COURSES, VERSIONS, Fact
from tests.eventstore.payloads import PAYLOADS
from tests.signals.histories import steps_of_a_version

BATCH = 8
"""How many events are posted together at most."""

TICK = timedelta(hours=6)
"""Instants lie on ticks, at which courses are published, or a microsecond beside them."""


class Deed(NamedTuple):
    """What a learner did, less the time: that many ticks before the last one, or None for now, and so many instants."""

    envelope: dict[str, Any]
    ticks_ago: int | None
    instants: int

    def fact(self, now: datetime) -> Fact:
        """The deed, done at a time that the gate lets through `now`."""
        if self.ticks_ago is None:
            return Fact(self.envelope, now + self.instants * INSTANT)
        return Fact(self.envelope, tick_before(now) - self.ticks_ago * TICK + self.instants * INSTANT)


def tick_before(now: datetime) -> datetime:
    """The last tick by then."""
    return now - (now - DAY_0) % TICK


class Break(NamedTuple):
    """A rule that raises on every payload whose `field` has that value."""

    rule: str
    event_type: str
    field: str
    value: object


BREAKS = [
    *(Break("video_progress", "VIDEO_PING", "position", position) for position in (12.5, 90, 100)),
    *(Break("quiz_result", "QUIZ_SUBMIT", "passed", passed) for passed in (True, False)),
    Break("quiz_result", "QUIZ_SUBMIT", "score", 10),
]

event_ids = st.one_of(
    st.integers(0, 11).map(lambda number: UUID(int=number, version=4)),  # these come again, and say something else
    st.uuids(version=4),
).map(str)


@st.composite
def deeds(draw: st.DrawFn) -> Deed:
    """An event of either type and any version, at, just before, just after or far from a tick."""
    kind = draw(st.sampled_from(sorted(PAYLOADS)))
    envelope = {
        "type": kind,
        "version": draw(st.sampled_from(VERSIONS[kind])),
        "event_id": draw(event_ids),
        "user_id": draw(st.sampled_from(["ada", "ada", "ada", "bob", "cleo"])),
        "class_id": draw(st.sampled_from("aabbc")),
        "course_id": draw(st.sampled_from([None, None, None, None, None, None, "w", "y"])),
        "payload": draw(PAYLOADS[kind]),
    }
    return Deed(envelope, draw(st.none() | st.integers(0, 12)), draw(st.integers(-1, 1)))


batches = st.lists(deeds(), min_size=1, max_size=BATCH)
several_batches = st.lists(batches, min_size=2, max_size=3)

Publication = tuple[str, str, tuple[Step, ...]]
"""A course, its title and its steps: those of `engine.publish`."""

steps = steps_of_a_version.map(lambda steps: tuple(Step(s.class_id, s.title, s.video_id, s.quiz_id) for s in steps))

publications = st.tuples(st.sampled_from(COURSES), st.sampled_from(["", "renamed"]), steps)

server = st.integers(0, 1)
one_or_both = st.sampled_from([(0,), (0, 1)])
"""Which of the two servers."""

pauses = st.one_of(
    st.integers(1, 6),
    st.sampled_from([9, 10, 60, 360]).map(lambda seconds: timedelta(seconds=seconds)),
    st.sampled_from([60, 3600]).map(lambda seconds: -timedelta(seconds=seconds)),
)
"""Some ticks, the pauses between retries, and the clock set back: within what the gate allows for, and by more."""

breaks = st.sets(st.sampled_from(BREAKS), max_size=2)

worths = st.fixed_dictionaries({kind: st.sampled_from([0, 1, 10, 30, 100]) for kind in SignalType})
