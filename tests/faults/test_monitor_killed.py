"""The monitor is killed again and again, while its platform and Zulip fail: each activity counts and is told once.

Students act on the example platform in a PostgreSQL of its own; their mentors are in a Zulip that fails as servers do.
"""

import asyncio
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select

from integrations.tables import DeliveryStatus, lms_activity, lms_delivery
from integrations.zulip.encode import tag, tag_of
from tests.cli.support import query
from tests.conftest import opened
from tests.faults.relays import FailingZulip, bot, expire, hurry, unsent
from tests.faults.traffic import until
from tests.integrations.monitored import MAPPING, marked, publish
from tests.support.platform import FILL, Platform, example_platform
from tests.support.postgres import PostgresServer, required_postgres
from tests.support.processes import Process, running
from tests.support.zulip import HTML, Answer, ZulipServer, rate_limited, zulip_serving

ROUNDS = 8
"""After each of them but the last the monitor is killed."""

ACTIVITIES = 2 * 3 + 2 + 3
"""So many a round: two marked exams, a video that was seen, and an exam of somebody without a mentor."""

TOLD = 2 + 1 + 2
"""Of these are told: Ada's two mentors of her exam and of her video, Bob's of his exam."""

ZULIP_IDS = {"1": 11, "2": 12}
LIFE_SEC = (0.0, 0.3)
"""How long a monitor lives once it has noticed something."""

LOOK_EVERY_SEC = 0.02
STOPPED, ZULIP_AWAY, LIMITED = 2, 4, 6
"""The rounds in which the platform's database is down, Zulip is, and Zulip asks for pauses."""


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """The platform's own PostgreSQL, which is stopped and started."""
    with required_postgres() as server:
        yield server


@pytest.fixture
def platform(server: PostgresServer) -> Iterator[Platform]:
    with example_platform(server) as platform:
        platform.run(FILL)
        yield platform


def test_a_monitor_that_is_killed_loses_nothing_and_tells_nothing_twice(
    new_database: Callable[[], str],
    server: PostgresServer,
    platform: Platform,
    tmp_path: Path,
    report: Callable[[str], None],
) -> None:
    url, seed = new_database(), random.randrange(2**32)
    print(f"seed {seed}")
    publish(url, tmp_path)
    moments, kills = random.Random(seed), 0
    zulip = FailingZulip(seed, {f"{number}@mentors.example.org": number for number in ZULIP_IDS.values()})
    with zulip_serving(zulip):
        for number in range(ROUNDS):
            act(platform, number)
            asyncio.run(hurry(url))
            trouble(number, server, zulip)
            with monitoring(url, platform, tmp_path, LMS_NOTIFY_MENTORS_ENABLED="true", **bot(zulip)) as monitor:
                if number == STOPPED:
                    until(lambda: "the platform is not polled" in monitor.log, LOOK_EVERY_SEC)
                    server.start()
                if number < ROUNDS - 1:
                    until(lambda: asyncio.run(noticed(url)) > number * ACTIVITIES, LOOK_EVERY_SEC)  # noqa: B023
                    time.sleep(moments.uniform(*LIFE_SEC))
                    monitor.kill()
                    kills += monitor.process.returncode == -signal.SIGKILL
                    asyncio.run(expire(url))
                else:
                    zulip.heal()
                    until(lambda: asyncio.run(noticed(url)) == ROUNDS * ACTIVITIES, LOOK_EVERY_SEC)
                    asyncio.run(hurry(url))
                    until(lambda: asyncio.run(unsent(url)) == 0, 0.2)
        sent = asyncio.run(deliveries(url))

    assert kills == ROUNDS - 1
    check_progress(url)
    check_letters(zulip, sent)
    kind = make_url(url).get_backend_name()
    counts = f"{ROUNDS * ACTIVITIES} activities, {len(sent)} messages, each once, {zulip.failed} failures of Zulip"
    report(f"{kind}: monitor killed {kills} times: {counts}")


def test_nothing_is_sent_while_nobody_is_to_be_told(
    new_database: Callable[[], str], platform: Platform, tmp_path: Path
) -> None:
    url = new_database()
    publish(url, tmp_path)
    with zulip_serving() as zulip:
        for number in range(ROUNDS):
            act(platform, number)
        with monitoring(url, platform, tmp_path, **bot(zulip)):
            until(lambda: asyncio.run(noticed(url)) == ROUNDS * ACTIVITIES, LOOK_EVERY_SEC)

        check_progress(url)
        assert (zulip.asked, asyncio.run(deliveries(url))) == ([], {})


def act(platform: Platform, number: int) -> None:
    """What students do in a round: Ada's mark grows, Bob fails again."""
    now = datetime.now(UTC)
    platform.sit(1, 1, **marked(10 + number))
    platform.sit(2, 1, **marked(number, "fail"))
    platform.sit(3, 2, completed_at=now, result="pass")
    platform.look(1, 1, state="completed", completed_at=now)


def trouble(number: int, server: PostgresServer, zulip: FailingZulip) -> None:
    """What fails in a round besides the monitor. Zulip fails at random at any time."""
    zulip.trouble = zulip.fail
    if number == STOPPED:
        server.stop("immediate")
    elif number == ZULIP_AWAY:
        zulip.trouble = lambda _: Answer(502, raw=HTML)
    elif number == LIMITED:
        zulip.trouble = lambda _: rate_limited(0.2)


def monitoring(url: str, platform: Platform, folder: Path, **settings: str) -> AbstractContextManager[Process]:
    """`lms-progress monitor --daemon`, from when it is at work."""
    mapping_file = folder / "mapping.toml"
    mapping_file.write_text(MAPPING)
    known = platform.settings | {"LMS_DATABASE_URL": url, "LMS_MAPPING_FILE": str(mapping_file)}
    return running(Process, "Monitoring", "monitor", "--daemon", "--interval", "0.2", **known, **settings)


async def noticed(url: str) -> int:
    async with opened(url) as database, database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(lms_activity))).scalar_one()


async def deliveries(url: str) -> dict[str, str]:
    """The mentor of each message that was sent, by its receipt and tag."""
    d = lms_delivery.c
    async with opened(url) as database, database.read() as connection:
        rows = (await connection.execute(select(d.receipt, d.message_id, d.user_id, d.status))).all()
    assert {row.status for row in rows} <= {DeliveryStatus.SENT}
    return {f"{row.receipt} {tag(row.message_id)}": row.user_id for row in rows}


def check_progress(url: str) -> None:
    """The best marks count, and all that was done is there once."""
    rows = query(
        url, "SELECT user_id, class_id, video_completed, quiz_score, quiz_passed FROM v_user_progress ORDER BY 1, 2"
    )
    assert rows == [
        ("1", "leaves", 1, None, 0),
        ("1", "numbers", 0, 10 + ROUNDS - 1, 1),
        ("2", "numbers", 0, ROUNDS - 1, 0),
    ]
    kinds = Counter(kind for (kind,) in query(url, "SELECT type FROM lms_inbox WHERE source = 'activity'"))
    assert kinds == Counter(
        dict.fromkeys(("exam_started", "exam_completed"), 3 * ROUNDS)
        | {"exam_passed": 2 * ROUNDS, "exam_failed": ROUNDS}
        | dict.fromkeys(("content_started", "content_completed"), ROUNDS)
    )
    assert query(url, "SELECT count(*) FROM lms_event") == [(3 * ROUNDS,)]


def check_letters(zulip: ZulipServer, sent: dict[str, str]) -> None:
    """Each mentor has one message of each activity of each of their students, and it says what was done."""
    assert {f"{each.id} {tag_of(each.content)}": each.to for each in zulip.letters} == {
        delivery: ZULIP_IDS[mentor] for delivery, mentor in sent.items()
    }
    assert len(zulip.letters) == len(sent) == ROUNDS * TOLD
    for number in range(ROUNDS):
        assert sorted(letter.to for letter in zulip.letters if f"{10 + number}" in letter.content) != []
    of_bob = [letter for letter in zulip.letters if re.search(r"\bbob\b", letter.content)]
    of_ada = [letter for letter in zulip.letters if re.search(r"\bada\b", letter.content)]  # a tag may have `ada` in it
    assert Counter(letter.to for letter in of_bob) == {11: ROUNDS}
    assert Counter(letter.to for letter in of_ada) == {11: 2 * ROUNDS, 12: 2 * ROUNDS}
    assert all("Algebra" in letter.content or "Leaves" in letter.content for letter in zulip.letters)
