"""The log: each event once, kept to the letter, and for ever: the database itself refuses to change it."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic_core import from_json
from sqlalchemy.exc import DBAPIError

from eventstore.append import append
from eventstore.db.database import Database
from eventstore.envelope import parse, validate
from eventstore.event import Event
from tests.conftest import opened
from tests.engine.rows import change, rows, value
from tests.engine.support import DAY_0, HandClock, at, ping, quiz, running, step

ID = "0f0f7a52-6f9c-4f0e-8d43-0d0cf6b1a001"


async def kept(database: Database, *events: Event) -> list[Event]:
    """Those that were new, appended in one batch."""
    async with database.write() as connection:
        return await append(connection, events)


async def test_the_same_learner_and_id_again_is_a_duplicate_whatever_else_it_says(database: Database) -> None:
    first = ping(at(0), event_id=ID)
    other = quiz(at(1), event_id=ID, class_id="b", course_id="x")

    assert await kept(database, first) == [first]
    assert await kept(database, other, ping(at(0), event_id=ID.upper())) == []
    assert await rows(database, "SELECT type, class_id FROM lms_event") == [("VIDEO_PING", "a")]


async def test_another_learner_may_use_the_same_id(database: Database) -> None:
    both = [ping(at(0), event_id=ID), ping(at(0), event_id=ID, user_id="bob")]

    assert await kept(database, *both) == both


async def test_a_batch_is_told_which_of_its_events_are_new_as_it_gave_them(database: Database) -> None:
    known, new, newer = (ping(at(day), user_id=user) for day, user in enumerate(["b", "z", "a"]))
    await kept(database, known)

    assert await kept(database, new, known, newer) == [new, newer]
    assert await kept(database) == []


async def test_new_ones_are_told_of_a_batch_that_takes_several_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.append.STATEMENT_EVENTS", 2)

    events = [ping(at(day), user_id=user) for day, user in enumerate("gbdface")]
    await database.run_write(lambda connection: append(connection, events[2:5]))

    new = await database.run_write(lambda connection: append(connection, events))

    assert new == events[:2] + events[5:]
    assert await database.run_write(lambda connection: append(connection, events)) == []
    assert await value(database, "SELECT count(*) FROM lms_event") == len(events)


LETTERS = [
    r'{"video_id": "v", "position": 1, "duration": 2, "more": {"deep": [null, true, {"": []}]}}',
    r'{"video_id": "ü — 学 \ud83d\ude00", "position": 1, "duration": 2}',
    r'{"video_id": "v", "position": 1, "duration": 2, "note": "NUL \u0000 and \"quotes\" and \\ and Infinity"}',
    r'{"video_id": "v", "position": 1, "duration": 2, "large": 123456789012345678901234567890, "small": 1e-300}',
    r'{"duration": 2, "position": 1, "video_id": "v", "z": 1, "a": 2}',
]


@pytest.mark.parametrize("payload", LETTERS)
async def test_a_payload_is_kept_as_it_was_received(database: Database, payload: str) -> None:
    # given an event of a newer minor version than we know
    envelope = f'{{"type": "VIDEO_PING", "version": "1.9", "user_id": "a", "class_id": "a", "payload": {payload}}}'
    event = validate(parse(envelope), DAY_0, "test")

    # when it is kept
    await kept(database, event)
    ((version, text),) = await rows(database, "SELECT version, payload FROM lms_event")

    # then nothing was added, dropped, moved or rounded
    stored = from_json(text) if isinstance(text, str) else text
    assert version == "1.9"
    assert json.dumps(stored) == json.dumps(json.loads(payload))


async def test_times_are_kept_to_the_microsecond_in_utc(database: Database) -> None:
    envelope = {
        "type": "VIDEO_PING",
        "user_id": "ada",
        "class_id": "a",
        "occurred_at": "2026-11-29T01:59:59.123456+02:00",
        "payload": {"video_id": "v", "position": 1, "duration": 2},
    }
    event = validate(envelope, at(1) + timedelta(microseconds=7), "test")
    await kept(database, event)
    ((occurred_at, recorded_at),) = await rows(database, "SELECT occurred_at, recorded_at FROM lms_event")

    expected = ["2026-11-28T23:59:59.123456", "2026-11-29T00:00:00.000007"]
    as_text = [str(instant).replace(" ", "T")[:26] for instant in (occurred_at, recorded_at)]
    assert as_text == expected


REFUSED = {
    "UPDATE of an event": "UPDATE lms_event SET type = type",
    "DELETE of an event": "DELETE FROM lms_event WHERE user_id = 'ada'",
    "UPDATE of a course version": "UPDATE lms_course_version SET title = 'another'",
    "DELETE of a course version": "DELETE FROM lms_course_version",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
async def test_the_database_itself_refuses(database_url: str, statement: str) -> None:
    await assert_refused(database_url, statement)


@pytest.mark.parametrize("statement", ["TRUNCATE lms_event", "TRUNCATE lms_course_version"])
async def test_postgresql_refuses_truncate_too(postgres_url: str, statement: str) -> None:
    await assert_refused(postgres_url, statement)


async def assert_refused(url: str, statement: str) -> None:
    """Asserts that the database refuses the statement, for the reason that it should, and stays as it was."""
    async with running(url, HandClock()) as engine:
        await engine.ingest.submit([ping(at(0))])
        await engine.publish("x", "X", (step("a"),))
        before = await history(engine.database)

        with pytest.raises(DBAPIError, match="is append-only"):
            await change(engine.database, statement)

        assert await history(engine.database) == before


REPLACED = """
INSERT OR REPLACE INTO lms_event
SELECT seq, '{id}', 'QUIZ_SUBMIT', version, user_id, class_id, course_id, payload,
       occurred_at, recorded_at, source, correlation_id
FROM lms_event
"""


@pytest.mark.parametrize("statement", [REPLACED, REPLACED.replace("seq, '{id}'", "seq + 1, event_id")])
async def test_sqlite_leaves_what_a_replace_would_delete(new_sqlite: Callable[[], str], statement: str) -> None:
    async with opened(new_sqlite()) as database:
        await kept(database, ping(at(0)))
        before = await rows(database, "SELECT * FROM lms_event")

        await change(database, statement.format(id=ID))

        assert await rows(database, "SELECT * FROM lms_event") == before


async def test_sqlite_leaves_a_course_version_that_a_replace_would_delete(new_sqlite: Callable[[], str]) -> None:
    async with running(new_sqlite(), HandClock()) as engine:
        await engine.publish("x", "X", (step("a"),))

        await change(
            engine.database,
            "INSERT OR REPLACE INTO lms_course_version "
            "SELECT course_id, version, 'another', steps, published_at FROM lms_course_version",
        )

        assert await value(engine.database, "SELECT title FROM lms_course_version") == "X"


async def history(database: Database) -> list[list[tuple[object, ...]]]:
    return [await rows(database, f"SELECT * FROM {table}") for table in ("lms_event", "lms_course_version")]  # noqa: S608


async def test_only_learners_who_stand_in_the_erasures_can_be_deleted(database: Database) -> None:
    await kept(database, ping(at(0)), ping(at(0), user_id="bob"))
    await change(database, "INSERT INTO lms_erasure VALUES ('ada', '2026-11-28T00:00:00.000000Z')")

    await change(database, "DELETE FROM lms_event WHERE user_id = 'ada'")
    with pytest.raises(DBAPIError):
        await change(database, "DELETE FROM lms_event")

    assert await value(database, "SELECT user_id FROM lms_event") == "bob"
