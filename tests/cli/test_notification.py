"""`lms-progress notification summary`, and the relay to Zulip and by e-mail, from a terminal."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from integrations.notifications.notification import notifications
from signals import outbox
from tests.cli.support import Ended, run
from tests.conftest import opened
from tests.integrations.notices import SMITH, exam
from tests.support.smtp import smtp_serving
from tests.support.zulip import BOT_EMAIL, BOT_KEY, zulip_serving


def run_with(url: str, settings: Mapping[str, str], *arguments: str, is_on: bool = True) -> Ended:
    """Runs a command with mentors to be told, or not."""
    return run(url, *arguments, stdin=b"", LMS_NOTIFY_MENTORS_ENABLED=str(is_on), **settings)


def announce(url: str) -> None:
    """Somebody passes an exam at this moment."""

    async def write() -> None:
        now = datetime.now(UTC)
        async with opened(url) as database, database.write() as connection:
            await outbox.enqueue_deliveries(connection, notifications(exam(timestamp=now), "exam-1", [SMITH], now))

    asyncio.run(write())


def test_a_summary_is_queued_and_sent_by_every_sink(database_url: str) -> None:
    announce(database_url)
    assert run_with(database_url, {}, "notification", "summary", "--period", "today").out.split() == ["mentors", "1"]
    with zulip_serving() as zulip, smtp_serving() as smtp:
        zulip.users = {str(SMITH.email): 11}
        servers = {
            "LMS_ZULIP_SITE": zulip.url,
            "LMS_ZULIP_EMAIL": BOT_EMAIL,
            "LMS_ZULIP_API_KEY": BOT_KEY,
            "LMS_SMTP_URL": smtp.url,
            "LMS_SMTP_FROM": "progress@school.example.org",
        }
        off = run_with(database_url, servers, "relay", "--once", is_on=False)
        assert (off.out.split(), zulip.asked, smtp.mails) == (["delivered", "0", "failed", "0"], [], [])
        done = run_with(database_url, servers, "relay", "--once")

    assert (done.code, done.out.split(), done.err) == (0, ["delivered", "4", "failed", "0"], "")
    assert [told.splitlines()[0] for told in zulip.to(11)] == ["**Exam passed**", "**Summary of today**"]
    assert [mail.content["Subject"] for mail in smtp.mails] == ["Exam passed", "Summary of today"]


def test_while_mentors_are_not_told_a_summary_is_refused(database_url: str) -> None:
    done = run(database_url, "notification", "summary", "--period", "last-hour")
    assert done.code == 1
    assert "LMS_NOTIFY_MENTORS_ENABLED: expected true, found false" in done.err


def test_a_sink_of_which_something_is_missing_is_refused(database_url: str) -> None:
    done = run(database_url, "relay", "--once", LMS_ZULIP_SITE="https://chat.example.org", LMS_ZULIP_EMAIL=BOT_EMAIL)
    assert done.code == 1
    assert "LMS_ZULIP_API_KEY: expected a value while LMS_ZULIP_SITE is there, found None" in done.err
    done = run(database_url, "relay", "--once", LMS_ZULIP_SITE="https://u:secret@chat.example.org")
    assert done.code == 1
    assert "secret" not in done.err
