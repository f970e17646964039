"""The relay to Zulip is killed again and again, while Zulip fails as servers do: each mentor gets each message once."""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from sqlalchemy import insert, make_url, select

from integrations.notifications.notification import notifications
from integrations.notifications.recipient import Recipient
from integrations.tables import lms_activity, lms_delivery
from integrations.zulip.encode import tag, tag_of
from signals import outbox
from tests.conftest import opened
from tests.faults.relays import FailingZulip, expire, hurry, unsent
from tests.faults.traffic import until
from tests.integrations.notices import exam
from tests.support.processes import Process, relaying
from tests.support.zulip import BOT_EMAIL, BOT_KEY, ZulipServer, zulip_serving

KILLS = 8
MENTORS = tuple(
    Recipient(str(number), f"mentor-{number}", f"Mentor {number}", f"{number}@example.org", zulip_user_id)
    for number, zulip_user_id in ((1, 11), (2, None), (3, 13), (4, None))
)
ZULIP_IDS = {mentor.email: 10 + int(mentor.user_id) for mentor in MENTORS if mentor.email}
EXAMS_EACH = 3
"""So many exams are passed before each kill, and all mentors are told of each."""

LIFE_SEC = (0.0, 0.3)
LOOK_EVERY_SEC = 0.02


def test_a_relay_that_is_killed_tells_each_mentor_of_each_activity_once(
    new_database: Callable[[], str], report: Callable[[str], None]
) -> None:
    url, seed = new_database(), random.randrange(2**32)
    print(f"seed {seed}")
    moments, kills = random.Random(seed), 0
    with zulip_serving(FailingZulip(seed, ZULIP_IDS)) as zulip:
        assert isinstance(zulip, FailingZulip)
        for round_number in range(KILLS + 1):
            asyncio.run(notice(url, round_number))
            asyncio.run(hurry(url))
            with notifying(url, zulip) as relay:
                if kills < KILLS:
                    sent = len(zulip.letters)
                    until(lambda sent=sent: len(zulip.letters) > sent, LOOK_EVERY_SEC)  # type: ignore[misc]
                    time.sleep(moments.uniform(*LIFE_SEC))
                    relay.kill()
                    kills += relay.process.returncode == -signal.SIGKILL
                    asyncio.run(expire(url))
                else:
                    zulip.heal()
                    asyncio.run(hurry(url))
                    until(lambda: asyncio.run(unsent(url)) == 0, 0.2)
        receipts = asyncio.run(receipts_of(url))

    assert kills == KILLS
    told = [(letter.to, tag_of(letter.content)) for letter in zulip.letters]
    assert len(told) == len(set(told)) == len(MENTORS) * EXAMS_EACH * (KILLS + 1)
    assert {str(letter.id): tag_of(letter.content) for letter in zulip.letters} == receipts
    kind = make_url(url).get_backend_name()
    report(f"{kind}: relay to Zulip killed {kills} times: {len(told)} messages, each once, {zulip.failed} failures")


def notifying(url: str, zulip: ZulipServer) -> AbstractContextManager[Process]:
    """A relay to that Zulip."""
    return relaying(
        url,
        LMS_NOTIFY_MENTORS_ENABLED="true",
        LMS_ZULIP_SITE=zulip.url,
        LMS_ZULIP_EMAIL=BOT_EMAIL,
        LMS_ZULIP_API_KEY=BOT_KEY,
    )


async def notice(url: str, round_number: int) -> None:
    """Some exams are passed, and all mentors are to be told."""
    now = datetime.now(UTC)
    activities = [exam(f"exam {round_number}.{number}", timestamp=now) for number in range(EXAMS_EACH)]
    rows = [
        {"user_id": one.student_id, "message_id": one.event_id, "type": one.event_type}
        | {"occurred_at": one.timestamp, "noticed_at": now}
        for one in activities
    ]
    async with opened(url) as database, database.write() as connection:
        await connection.execute(insert(lms_activity), rows)
        for one in activities:
            await outbox.enqueue_deliveries(connection, notifications(one, one.event_id, MENTORS, now))


async def receipts_of(url: str) -> Mapping[str | None, str]:
    """The tag of each message by its receipt; and that every activity is noted."""
    d = lms_delivery.c
    async with opened(url) as database, database.read() as connection:
        untold = select(lms_activity.c.message_id).where(lms_activity.c.notified_at.is_(None))
        assert (await connection.execute(untold)).all() == []
        rows = await connection.execute(select(d.receipt, d.message_id))
        return {receipt: tag(message_id) for receipt, message_id in rows}
