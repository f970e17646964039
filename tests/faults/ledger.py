"""What clients sent, and what they were told of it: in the end, the database is held against this.

Several threads write it. An event that was not acknowledged may be in the log or not; sent again, it must count once.
"""

import random
import threading
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

Json = dict[str, Any]

Key = tuple[str, str]
"""(user_id, event_id)"""

LEARNERS = 60
CLASSES = ("intro", "loops", "functions", "files", "in no course")
DAYS = 40
"""Events occurred up to so many days ago: in several weeks and months."""

LARGEST_BATCH = 20
REPEATED = 3
"""So many at most of a body were sent before, of each kind: acknowledged, and not."""

REMEMBERED = 500
"""So many of the events that were acknowledged last may be sent again."""


class Body(NamedTuple):
    """What is posted at once, and how many of its events were not acknowledged before."""

    events: list[Json]
    unknown: int


class Ledger:
    """Draws bodies to post, and keeps what became of each event. `seed` makes the draws repeatable."""

    def __init__(self, seed: int) -> None:
        self.sent: set[Key] = set()
        self.acknowledged: set[Key] = set()
        self.accepted = 0
        self.signals: Counter[tuple[str, ...]] = Counter()
        self.refused = 0
        self.broken_off = 0
        self._open: dict[Key, Json] = {}
        self._settled: deque[Json] = deque(maxlen=REMEMBERED)
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def draw(self) -> Body:
        """Events that are new, and now and then some that were sent before, acknowledged or not."""
        with self._lock:
            events = [new_event(self._random) for _ in range(self._size())]
            for before in (list(self._open.values()), list(self._settled)):
                if self._random.random() < 1 / 4:
                    events += self._random.sample(before, min(REPEATED, len(before)))
            self._random.shuffle(events)
            self.sent.update(map(key, events))
            return Body(events, sum(key(event) not in self.acknowledged for event in events))

    def _size(self) -> int:
        """How many new events the next body has."""
        return self._random.choice([1, 1, self._random.randint(2, LARGEST_BATCH)])

    def acknowledge(self, body: Body, answer: Json) -> None:
        """Keeps what was answered to `body` with 200, once it is checked against what is known already."""
        assert answer["rejected"] == []
        assert answer["accepted"] + answer["duplicates"] == len(body.events)
        assert answer["accepted"] <= body.unknown, "an event was acknowledged before, and accepted again"
        with self._lock:
            self.accepted += answer["accepted"]
            self.signals.update(tuple(map(str, signal.values())) for signal in answer["signals"])
            self.acknowledged.update(map(key, body.events))
            self._settled.extend(body.events)
            for event in body.events:
                self._open.pop(key(event), None)

    def refuse(self, body: Body) -> None:
        """`body` was answered with 503."""
        with self._lock:
            self.refused += 1
            self._leave_open(body)

    def leave_unanswered(self, body: Body, *, sent: bool) -> None:
        """The server was gone before it answered `body`: before it was all `sent`, or after."""
        with self._lock:
            self.broken_off += sent
            self._leave_open(body)

    def _leave_open(self, body: Body) -> None:
        self._open.update((key(event), event) for event in body.events if key(event) not in self.acknowledged)


def key(event: Json) -> Key:
    return (event["user_id"], event["event_id"])


def new_event(random: random.Random) -> Json:
    """An event of some learner in some class, one in ten of which completes something."""
    event: Json = {
        "event_id": str(UUID(int=random.getrandbits(128), version=4)),
        "user_id": f"learner {random.randrange(LEARNERS)}",
        "class_id": random.choice(CLASSES),
        **random.choice([ping, quiz])(random),
    }
    if random.random() < 3 / 4:
        ago = timedelta(microseconds=random.randrange(DAYS * 86_400_000_000))
        event["occurred_at"] = (datetime.now(UTC) - ago).isoformat()
    return event


def ping(random: random.Random) -> Json:
    return {"type": "VIDEO_PING", "payload": {"video_id": "v", "position": random.uniform(0, 100), "duration": 100}}


def quiz(random: random.Random) -> Json:
    score = random.uniform(0, 10)
    return {"type": "QUIZ_SUBMIT", "payload": {"quiz_id": "q", "score": score, "max_score": 10, "passed": score >= 9}}
