"""`lms-progress stats`: the numbers that an operator looks for, as they are in the database."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import insert

from cli.console import age
from eventstore.times import system_clock
from integrations.tables import lms_inbox
from projections.tables import lms_retry
from tests.cli.support import envelope, ndjson, run
from tests.conftest import opened
from tests.integrations.scripted_sink import ScriptedSink, relay_to

HOURS_AGO = timedelta(hours=3, minutes=1)


async def park(url: str) -> None:
    """Parks two events and a message; the oldest of each waits for three hours and a bit."""
    then = system_clock() - HOURS_AGO
    message = {"source": "tally", "type": "FORM_RESPONSE", "topic": "quiz", "body": "{}", "received_at": then}
    retry = {
        "user_id": "ada",
        "event_id": "00000000-0000-4000-8000-000000000001",
        "rule": "video_progress",
        "attempts": 1,
        "next_attempt_at": then,
        "last_error": "",
        "status": "pending",
    }
    async with opened(url) as database, database.write() as connection:
        for number, parked_at in enumerate([then, system_clock()]):
            retry_id = f"00000000-0000-4000-8000-{number:012}"
            await connection.execute(insert(lms_retry), retry | {"retry_id": retry_id, "parked_at": parked_at})
        for status in ("done", "parked"):
            await connection.execute(insert(lms_inbox), message | {"message_id": status, "status": status})


def test_stats_say_how_much_there_is_and_what_waits(database_url: str) -> None:
    # given events on nine days, one of them of two learners, and what is parked
    events = [envelope(occurred_at=f"2026-11-0{day}T12:00:00Z") for day in range(1, 10)]
    events += [envelope(user_id="bob", occurred_at="2026-11-09T12:00:00Z")]
    assert run(database_url, "import", "-", stdin=ndjson(events)).code == 0
    asyncio.run(park(database_url))

    # when
    done = run(database_url, "stats")

    # then
    assert (done.code, done.err) == (0, "")
    words = [line.split() for line in done.out.splitlines() if line.strip()]
    assert words[0][0] == "Database"
    assert words[0][-4:] == ["at", "the", "current", "schema"]
    assert words[1:] == [
        ["Total"],
        ["events", "10"],
        ["learners", "2"],
        ["VIDEO_COMPLETED", "2"],
        ["Day", "(UTC)", "Type", "Events"],
        ["2026-11-09", "VIDEO_PING", "2"],
        *[[f"2026-11-0{day}", "VIDEO_PING", "1"] for day in range(8, 2, -1)],
        ["Waiting", "Number", "Oldest"],
        ["pending", "events", "2", "3", "h", "1", "min"],
        ["dead", "events", "0"],
        ["parked", "messages", "of", "tally", "1", "3", "h", "1", "min"],
    ]


def test_stats_say_what_has_not_arrived_and_where(database_url: str) -> None:
    # given a learner whose one signal a sink refuses, after which another is announced
    sink = ScriptedSink()
    sink.refuses = lambda _: "no"
    assert run(database_url, "import", "-", stdin=ndjson([envelope(), envelope(class_id="b")])).code == 0
    asyncio.run(relay_once(database_url, sink))

    # when
    done = run(database_url, "stats")

    # then
    [line] = [line for line in done.out.splitlines() if "deliveries" in line]
    assert line.split()[:5] == ["pending", "deliveries", "to", "scripted", "2"]


async def relay_once(url: str, sink: ScriptedSink) -> None:
    async with opened(url) as database:
        assert await relay_to(database, system_clock, sink).once() == (0, 1)


def test_stats_of_an_empty_database_are_all_zero(database_url: str) -> None:
    done = run(database_url, "stats")

    assert done.code == 0
    assert [line.split()[-1] for line in done.out.splitlines() if "events" in line or "messages" in line] == ["0"] * 4
    assert "none yet" in done.out


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(seconds=-1), "0 min 0 s"),
        (timedelta(minutes=12, seconds=5), "12 min 5 s"),
        (timedelta(hours=4), "4 h 0 min"),
        (timedelta(days=3, hours=4, minutes=59), "3 d 4 h"),
    ],
)
def test_an_age_is_said_in_its_two_largest_units(time: timedelta, text: str) -> None:
    assert age(time) == text
