"""What the log has of students and mentors: nothing, whatever is done and whatever fails."""

import asyncio
import re
from datetime import UTC, datetime

from tests.cli.support import query, run
from tests.faults.relays import bot, hurry
from tests.faults.traffic import until
from tests.integrations.monitored import ON, marked
from tests.support.platform import PERSONAL, Platform
from tests.support.processes import Process, running
from tests.support.zulip import BOT_KEY, ZulipServer, error, zulip_serving

SECRET = (*PERSONAL, BOT_KEY)


def quotes(log: str) -> list[str]:
    """What the log has of that as words: an id of hexadecimal digits may have `ada` in it by chance."""
    return [secret for secret in SECRET if re.search(as_word(secret), log, re.IGNORECASE)]


def as_word(secret: str) -> str:
    before = r"(?<![0-9a-z])" if secret[0].isalnum() else ""
    return rf"{before}{re.escape(secret)}(?![0-9a-z])"


def test_a_name_is_found_wherever_it_stands_as_a_word() -> None:
    assert quotes("1: cannot tell ADA_l@students.example.org: x") == ["ada", "@students"]
    assert quotes("announcement 0c8a6f3e-7b21-5adab-8d43 to zulip is dead") == []


def test_no_line_of_a_run_quotes_a_person_an_address_a_title_or_a_password(
    database_url: str, platform: Platform
) -> None:
    """Zulip knows Grace by her id, refuses Linus with his address, and is in trouble at first; so is the platform."""
    now = datetime.now(UTC)
    platform.sit(1, 1, **marked(17))
    platform.sit(2, 1, **marked(-1, "fail"))
    platform.look(1, 1, state="completed", completed_at=now)
    zulip = ZulipServer()
    zulip.users = {"grace@mentors.example.org": 11}
    zulip.trouble = lambda _: error(500, "INTERNAL", "grace@mentors.example.org: Algebra, the exam, of Ada Lovelace")
    with zulip_serving(zulip):
        settings = platform.settings | ON | bot(zulip) | {"LMS_DATABASE_URL": database_url}
        with running(Process, "Monitoring", "monitor", "--verbose", "--interval", "0.1", **settings) as monitor:
            until(lambda: "new activities" in monitor.log and len(zulip.asked) > 0)
            zulip.trouble = lambda _: None
            asyncio.run(hurry(database_url))
            until(lambda: len(zulip.letters) == 2 and len(statuses(database_url, "dead")) == 2)
            platform.run("ALTER ROLE lms_reader PASSWORD 'another'", "ALTER TABLE students RENAME username TO nickname")
            until(lambda: "the platform is not polled" in monitor.log)
            platform.run(
                "ALTER TABLE students RENAME nickname TO username", "ALTER ROLE lms_reader PASSWORD 'hidden-password'"
            )
            until(lambda: "the platform is polled again" in monitor.log)
            log = monitor.log
        refused = run(database_url, "monitor", "--once", stdin=b"", **settings | {"LMS_DB_NAME": "nowhere"})

    assert "rows read" in log
    assert quotes(log) == []
    assert quotes(refused.err) == []


def statuses(url: str, status: str) -> list[tuple[object, ...]]:
    return query(url, f"SELECT message_id FROM lms_delivery WHERE status = '{status}'")  # noqa: S608
