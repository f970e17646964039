"""Deliveries that tests of a killed relay look for and hurry up, and a Zulip that fails at random."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import select, update

from integrations.tables import DeliveryStatus, lms_delivery, lms_lease
from signals.tables import lms_outbox
from tests.conftest import opened
from tests.support.zulip import BOT_EMAIL, BOT_KEY, HTML, Answer, Asked, ZulipServer, error, rate_limited


async def expire(url: str) -> None:
    """As if the killed relay's lease had run out: to wait for that each time would be most of this test."""
    async with opened(url) as database, database.write() as connection:
        await connection.execute(update(lms_lease).values(expires_at=datetime(2026, 1, 1, tzinfo=UTC)))


async def unsent(url: str) -> int:
    """How many deliveries are still to be sent, or announcements to be fanned out."""
    pending = select(lms_delivery.c.seq).where(lms_delivery.c.status != DeliveryStatus.SENT)
    waiting = select(lms_outbox.c.seq).where(lms_outbox.c.relayed_at.is_(None))
    async with opened(url) as database, database.read() as connection:
        return len([*await connection.scalars(pending), *await connection.scalars(waiting)])


PAUSE_SEC = 0.2
TROUBLES: Sequence[Callable[[], Answer]] = (
    lambda: Answer(502, raw=HTML),
    lambda: Answer(200, raw=HTML),
    lambda: error(500, "INTERNAL", "Internal server error"),
    lambda: rate_limited(PAUSE_SEC),
)


class FailingZulip(ZulipServer):
    """A Zulip that fails at random, before or after it has stored a message.

    It counts no requests: to wait for its limit would take minutes.
    """

    def __init__(self, seed: int, users: dict[str, int]) -> None:
        super().__init__(limit=1_000_000)
        self.failed = 0
        self.users = users
        self.trouble = self.afterwards = self.fail
        self._random = random.Random(seed)

    def fail(self, asked: Asked) -> Answer | None:
        if asked.method != "POST" or self._random.random() > 0.1:
            return None
        self.failed += 1
        return self._random.choice(TROUBLES)()

    def heal(self) -> None:
        self.trouble = self.afterwards = lambda _: None


async def hurry(url: str) -> None:
    """As if the pauses after failures were over: to wait for them each time would be most of this test."""
    waits = lms_delivery.c.status == DeliveryStatus.PENDING
    async with opened(url) as database, database.write() as connection:
        await connection.execute(update(lms_delivery).where(waits).values(next_attempt_at=datetime.now(UTC)))


def bot(zulip: ZulipServer) -> dict[str, str]:
    """The settings with which messages go to that Zulip."""
    return {"LMS_ZULIP_SITE": zulip.url, "LMS_ZULIP_EMAIL": BOT_EMAIL, "LMS_ZULIP_API_KEY": BOT_KEY}
