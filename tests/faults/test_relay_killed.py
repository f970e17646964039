"""The relay is killed again and again: every signal reaches every receiver, each learner's in order, by the same id."""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import make_url, select

from engine.engine import Engine
from eventstore.envelope import validate
from integrations.webhook import subscriptions
from signals.course import Step
from signals.signal import SignalType
from signals.tables import lms_outbox
from tests.conftest import opened
from tests.faults.relays import expire, unsent
from tests.faults.traffic import until
from tests.integrations.http_receiver import Hook, Receiver, receiving
from tests.support.processes import relaying

KILLS = 10
LEARNERS = 30
CLASSES = tuple("abcdefghijkl")
COURSE = "course"
LIFE_SEC = (0.0, 0.5)
"""How long a relay lives once it has sent something."""

REFUSED = 1 / 50
"""So many of all requests are answered 500: what is refused is tried again."""

SLOW_SEC = 0.01
LOOK_EVERY_SEC = 0.02
TYPES = {"/all": tuple(SignalType), "/courses": (SignalType.STEP_COMPLETED, SignalType.COURSE_COMPLETED)}


class Refusing(Receiver):
    """Refuses requests at random. `taken` are those that it did not."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.taken: list[Hook] = []
        self.refuses = True
        self.slow_sec = dict.fromkeys(TYPES, SLOW_SEC)
        self._random = random.Random(seed)

    def status(self, hook: Hook) -> int:
        if self.refuses and self._random.random() < REFUSED:
            return 500
        self.taken.append(hook)
        return super().status(hook)


def test_a_relay_that_is_killed_loses_nothing_and_changes_no_order(
    new_database: Callable[[], str], report: Callable[[str], None]
) -> None:
    url, seed = new_database(), random.randrange(2**32)
    print(f"seed {seed}")
    moments, receiver, kills = random.Random(seed), Refusing(seed), 0
    with receiving(receiver):
        asyncio.run(subscribe(url, receiver.url))
        for classes in portions(CLASSES, KILLS + 1):
            asyncio.run(complete(url, classes))
            with relaying(url, LMS_WEBHOOK_PRIVATE="true") as relay:
                if kills < KILLS:
                    sent = len(receiver.hooks)
                    until(lambda sent=sent: len(receiver.hooks) > sent, LOOK_EVERY_SEC)  # type: ignore[misc]
                    time.sleep(moments.uniform(*LIFE_SEC))
                    relay.kill()
                    kills += relay.process.returncode == -signal.SIGKILL
                    asyncio.run(expire(url))
                else:
                    receiver.refuses = False
                    until(lambda: asyncio.run(unsent(url)) == 0, 0.2)
        announced = asyncio.run(announcements(url))

    assert kills == KILLS
    for path, types in TYPES.items():
        check([hook for hook in receiver.taken if hook.path == path], [one for one in announced if one[1] in types])
    repeated = len(receiver.taken) - len({(hook.path, hook.message_id) for hook in receiver.taken})
    kind = make_url(url).get_backend_name()
    refused = len(receiver.hooks) - len(receiver.taken)
    counts = f"{len(announced):,} announcements, {len(receiver.taken):,} webhooks taken, {refused} refused"
    report(f"{kind}: relay killed {kills} times: {counts}, {repeated} repeated")


def portions(classes: Sequence[str], number: int) -> list[Sequence[str]]:
    """The classes, in so many parts."""
    return [classes[at::number] for at in range(number)]


async def subscribe(url: str, receiver: str) -> None:
    now = datetime.now(UTC)
    async with opened(url) as database, database.write() as connection:
        for path, types in TYPES.items():
            await subscriptions.create(connection, receiver + path, types, now)


async def complete(url: str, classes: Sequence[str]) -> None:
    """All learners watch the videos of these classes; the course asks for those of all."""
    now = datetime.now(UTC)
    payload = {"video_id": "video", "position": 100, "duration": 100}
    pings = [
        {"type": "VIDEO_PING", "user_id": f"learner-{learner}", "class_id": class_id, "payload": payload}
        for learner in range(LEARNERS)
        for class_id in classes
    ]
    async with opened(url) as database, Engine(database) as engine:
        await engine.publish(COURSE, COURSE, tuple(Step(class_id, class_id, "video") for class_id in CLASSES))
        await engine.ingest.submit([validate(each, now, "test") for each in pings])


async def announcements(url: str) -> list[tuple[str, str, str]]:
    """All that was announced, in order: learner, type and message id."""
    o = lms_outbox.c
    async with opened(url) as database, database.read() as connection:
        rows = await connection.execute(select(o.user_id, o.type, o.message_id).order_by(o.seq))
        return [tuple(row) for row in rows]


def check(taken: Sequence[Hook], announced: Sequence[tuple[str, str, str]]) -> None:
    """All arrived, each learner's in order at first, and whatever was repeated said the same again."""
    first: dict[str, Hook] = {}
    for hook in taken:
        first.setdefault(hook.message_id, hook)
    assert first.keys() == {message_id for _, _, message_id in announced}
    for user_id in {user_id for user_id, _, _ in announced}:
        theirs = [hook.message_id for hook in first.values() if hook.data["user_id"] == user_id]
        assert theirs == [message_id for learner, _, message_id in announced if learner == user_id]
    assert [hook for hook in taken if hook.body != first[hook.message_id].body] == []
