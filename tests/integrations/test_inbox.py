"""The inbox: each message counts once, with all that it amounts to, however often and by whomever it is received."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from eventstore.errors import UnavailableError
from eventstore.tables import metadata
from integrations.inbound import inbox_store
from integrations.inbound.inbox import Inbox, RetryResult
from integrations.inbound.message import Message
from integrations.inbound.outcome import Outcome
from integrations.inbound.translation import TranslationInputs, references_of, translate
from integrations.tables import InboxStatus
from signals.course_catalog import CourseCatalog
from signals.signal import SignalType
from tests.engine.rows import rows, value
from tests.engine.support import step
from tests.integrations.school import (
    SCHOOL,
    TRANSLATOR,
    bell,
    inbox_on,
    learner,
    lesson,
    mappings,
    message,
    passed,
)

DONE, PARKED = InboxStatus.DONE, InboxStatus.PARKED
COUNTED = "SELECT type, CAST(sum(messages) AS INTEGER) FROM v_message_daily_stats GROUP BY type ORDER BY type"


async def contents(inbox: Inbox) -> dict[str, list[str]]:
    """All that is stored, every table of it."""
    async with inbox.engine.database.read() as connection:
        tables = {table.name: await connection.execute(select(table)) for table in metadata.sorted_tables}
        return {name: sorted(map(repr, found)) for name, found in tables.items()}


async def publish(inbox: Inbox, *class_ids: str) -> None:
    await inbox.engine.publish("x", "A course", tuple(step(class_id, "quiz") for class_id in class_ids))


async def inbox_rows(inbox: Inbox) -> list[tuple[Any, ...]]:
    return await rows(inbox.engine.database, "SELECT message_id, status, reason, user_id FROM lms_inbox ORDER BY 1")


async def events(inbox: Inbox) -> int:
    return int(await value(inbox.engine.database, "SELECT count(*) FROM lms_event"))


def statuses(outcomes: Sequence[Outcome]) -> list[InboxStatus]:
    return [outcome.status for outcome in outcomes]


@pytest.fixture
async def inbox(database_url: str) -> AsyncIterator[Inbox]:
    async with inbox_on(database_url) as inbox:
        yield inbox


async def test_a_batch_is_kept_with_its_events_facts_and_counts(inbox: Inbox) -> None:
    await publish(inbox, "a", "b")

    outcomes = await inbox.receive([passed(1), learner(2), lesson(3), passed(4, "bob"), passed(5, "bob"), bell(6)])

    assert statuses(outcomes) == [DONE] * 6
    assert [outcome.is_repeat for outcome in outcomes] == [False] * 6
    told = {number: {s.type for s in outcome.signals} for number, outcome in enumerate(outcomes, 1) if outcome.signals}
    assert told == {number: {SignalType.QUIZ_PASSED, SignalType.STEP_COMPLETED} for number in (1, 5)}
    assert await events(inbox) == 3
    database = inbox.engine.database
    assert await rows(database, "SELECT user_id, field, value FROM lms_profile") == [("ada", "name", "Ada Lovelace")]
    assert await rows(database, "SELECT kind, external_id, details FROM lms_reference") == [("lesson", "1", "a")]
    assert await rows(database, COUNTED) == [("bell", 1), ("learner", 1), ("lesson", 1), ("passed", 3)]
    per_day = "SELECT CAST(day AS TEXT), source, topic, messages FROM v_message_daily_stats WHERE type = 'passed'"
    assert await rows(database, per_day) == [("2026-11-30", SCHOOL, "news", 3)]
    named = "SELECT i.message_id, e.user_id FROM lms_inbox i JOIN lms_event e ON e.event_id = i.event_id ORDER BY 1"
    assert await rows(database, named) == [("message 1", "ada"), ("message 4", "bob"), ("message 5", "bob")]


async def test_repeats_change_nothing(inbox: Inbox) -> None:
    await publish(inbox, "a")
    batch = [passed(1), learner(2), lesson(3), passed(4, room="b"), passed(5, lesson_id="2")]
    await inbox.receive(batch)
    before = await contents(inbox)

    outcomes = await inbox.receive([*batch, *batch])

    assert statuses(outcomes) == [DONE, DONE, DONE, PARKED, PARKED] * 2
    assert all(outcome.is_repeat and not outcome.signals for outcome in outcomes)
    assert await contents(inbox) == before


async def test_the_same_message_twice_in_a_batch_counts_once(inbox: Inbox) -> None:
    await publish(inbox, "a")

    outcomes = await inbox.receive([passed(1), passed(1, room="b"), bell(2), bell(2)])

    assert [(outcome.status, outcome.is_repeat) for outcome in outcomes] == [(DONE, False), (DONE, True)] * 2
    assert await events(inbox) == 1
    assert await rows(inbox.engine.database, COUNTED) == [("bell", 1), ("passed", 1)]


async def test_what_is_parked_waits_for_its_course(inbox: Inbox) -> None:
    parked, done = await inbox.receive([passed(1), learner(2)])
    reason = "room a: expected a mapping or a published class, found neither"
    assert (parked, done.status) == (Outcome(PARKED, is_repeat=False, reason=reason), DONE)
    assert await inbox_rows(inbox) == [("message 1", "parked", reason, None), ("message 2", "done", None, None)]

    await publish(inbox, "b")
    assert await events(inbox) == 0
    await publish(inbox, "a", "b")

    assert await inbox_rows(inbox) == [("message 1", "done", None, "ada"), ("message 2", "done", None, None)]
    assert await events(inbox) == 1
    assert await rows(inbox.engine.database, COUNTED) == [("learner", 1), ("passed", 1)]


async def test_what_is_parked_waits_for_the_mapping(inbox: Inbox) -> None:
    await inbox.receive([passed(1, room="r 1"), passed(2, room="r 2")])

    inbox.mappings = mappings("r 1", "loops")

    assert await inbox.retry_parked() == RetryResult(done=1, parked=1)
    assert await rows(inbox.engine.database, "SELECT class_id FROM lms_event") == [("loops",)]
    assert await inbox.retry_parked() == RetryResult(done=0, parked=1)


async def test_what_is_parked_waits_for_what_it_names(database_url: str) -> None:
    async with inbox_on(database_url, mappings("r", "loops")) as inbox:
        await inbox.receive([passed(1, lesson_id="1"), passed(2, lesson_id="2"), passed(3, "bob", lesson_id="1")])
        assert await events(inbox) == 0

        await inbox.receive([lesson(4, room="r", lesson_id="1")])

        assert [status for _, status, _, _ in await inbox_rows(inbox)] == ["done", "parked", "done", "done"]
        assert await events(inbox) == 2
        assert await rows(inbox.engine.database, "SELECT message_id FROM lms_inbox_reference") == [("message 2",)]
        assert await rows(inbox.engine.database, COUNTED) == [("lesson", 1), ("passed", 3)]


async def test_what_a_message_names_may_come_after_it_in_the_batch(database_url: str) -> None:
    async with inbox_on(database_url, mappings("r", "loops")) as inbox:
        outcomes = await inbox.receive([passed(1, lesson_id="1"), lesson(2, room="r")])

        assert statuses(outcomes) == [DONE, DONE]
        assert await events(inbox) == 1


def test_what_a_message_names_is_known_with_the_batch_that_tells_of_it() -> None:
    batch = [passed(1, lesson_id="1"), lesson(2, room="r")]
    translators = {SCHOOL: TRANSLATOR}

    done = translate(
        batch,
        references_of(batch, translators),
        translators,
        TranslationInputs(CourseCatalog(), mappings("r", "loops"), {}),
    )

    assert {each.message.key: each.reason for each in done} == {sent.key: None for sent in batch}


async def test_pages_of_what_is_parked_are_all_tried(inbox: Inbox) -> None:
    await inbox.receive([passed(number, f"user {number}", room="r") for number in range(1200)])
    inbox.mappings = mappings("r", "loops")

    assert await inbox.retry_parked() == RetryResult(done=1200, parked=0)
    assert await events(inbox) == 1200
    assert await rows(inbox.engine.database, COUNTED) == [("passed", 1200)]


async def test_two_consumers_that_are_handed_the_same_at_once_count_it_once(database_url: str) -> None:
    known = mappings("r", "loops")
    async with inbox_on(database_url, known) as one, inbox_on(database_url, known) as other:
        sent = [passed(number, f"user {number % 7}", lesson_id=str(number % 5)) for number in range(100)]
        sent += [lesson(100 + number, "r", str(number)) for number in range(4)]
        sent += [learner(200 + number, f"User {number}", f"user {number}") for number in range(7)]
        backwards = sent[::-1]

        for start in range(0, len(sent), 20):
            await asyncio.gather(
                one.receive(sent[start : start + 20]),
                other.receive(backwards[start : start + 20]),
                other.receive(sent[start + 5 : start + 15]),
            )

        database = one.engine.database
        assert await events(one) == 80
        assert await rows(database, "SELECT status, count(*) FROM lms_inbox GROUP BY status ORDER BY 1") == [
            ("done", 91),
            ("parked", 20),
        ]
        assert await rows(database, COUNTED) == [("learner", 7), ("lesson", 4), ("passed", 100)]
        assert await value(database, "SELECT CAST(sum(events) AS INTEGER) FROM v_event_daily_stats") == 80
        assert await value(database, "SELECT count(*) FROM lms_inbox_reference") == 20


@pytest.mark.parametrize("what", ["reference", "course", "mapping"])
async def test_what_arrives_while_a_message_is_being_parked_is_not_missed(
    database_url: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    async with inbox_on(database_url, mappings("r", "loops")) as inbox, inbox_on(database_url) as other:
        # given that what the message misses comes after it was looked for, and before the message is parked
        write = inbox._intake._write

        async def arrive_first(*given: Any) -> Any:
            monkeypatch.undo()
            if what == "reference":
                await other.receive([lesson(2, "r", "1")])
            elif what == "course":
                await publish(other, "a")
            else:
                inbox.mappings = mappings("a", "loops")
                await inbox.retry_parked()
            return await write(*given)

        monkeypatch.setattr(inbox._intake, "_write", arrive_first)

        # when
        [outcome] = await inbox.receive([passed(1, lesson_id="1" if what == "reference" else None)])

        # then
        assert (outcome.status, outcome.reason) == (DONE, None)
        assert await events(inbox) == 1


async def test_what_somebody_else_has_done_meanwhile_stays_done(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inbox_on(database_url) as one, inbox_on(database_url, mappings("r", "loops")) as other:
        write = one._intake._write

        async def second(*given: Any) -> Any:
            assert statuses(await other.receive([passed(1, room="r")])) == [DONE]
            return await write(*given)

        monkeypatch.setattr(one._intake, "_write", second)

        [outcome] = await one.receive([passed(1, room="r")])

        assert (outcome.status, outcome.is_repeat) == (DONE, True)
        assert await inbox_rows(one) == [("message 1", "done", None, "ada")]
        assert await rows(one.engine.database, COUNTED) == [("passed", 1)]


async def test_what_cannot_be_kept_whole_is_not_kept_at_all(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await publish(inbox, "a")
    before = await contents(inbox)

    with monkeypatch.context() as broken:
        broken.setattr("projections.rollups.message_counts.add", power_cut)
        with pytest.raises(PowerCutError):
            await inbox.receive([passed(1), learner(2)])
    assert await contents(inbox) == before

    assert statuses(await inbox.receive([passed(1), learner(2)])) == [DONE, DONE]
    assert await events(inbox) == 1
    assert await rows(inbox.engine.database, COUNTED) == [("learner", 1), ("passed", 1)]


async def test_what_was_parked_when_the_process_died_is_tried_at_the_next_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inbox_on(database_url, mappings("r", "loops")) as inbox:
        await inbox.receive([passed(1, lesson_id="1")])
        with monkeypatch.context() as broken:
            broken.setattr(inbox_store, "select_waiting_for", power_cut)
            with pytest.raises(PowerCutError):
                await inbox.receive([lesson(2, "r")])  # it is kept by then
        assert [status for _, status, _, _ in await inbox_rows(inbox)] == ["parked", "done"]

    async with inbox_on(database_url, mappings("r", "loops")) as inbox:
        assert [status for _, status, _, _ in await inbox_rows(inbox)] == ["done", "done"]
        assert await events(inbox) == 1


async def test_a_retry_that_the_database_broke_off_is_owed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with inbox_on(database_url, mappings("r", "loops")) as inbox:
        await inbox.receive([passed(1, lesson_id="1")])
        with monkeypatch.context() as broken:
            broken.setattr(inbox_store, "select_waiting_for", away)
            assert statuses(await inbox.receive([lesson(2, "r")])) == [DONE]
        assert inbox.has_retry_pending

        with monkeypatch.context() as broken:
            broken.setattr(inbox_store, "parked_after", away)
            with pytest.raises(UnavailableError):
                await inbox.retry_parked()
        assert inbox.has_retry_pending

        assert await inbox.retry_parked() == RetryResult(done=1, parked=0)
        assert not inbox.has_retry_pending


async def test_one_that_nobody_can_take_fails_its_batch_and_stays_parked_alone(inbox: Inbox) -> None:
    poison = message(1, "passed", user_id="ada", lesson_id=None)  # parked by an older version of this program
    await inbox.receive([passed(2, room="r"), passed(3, room="r")])
    await parked_before(inbox, poison)

    with pytest.raises(KeyError):
        await inbox.receive([bell(4), poison])
    assert len(await inbox_rows(inbox)) == 3

    inbox.mappings = mappings("r", "loops")
    assert await inbox.retry_parked() == RetryResult(done=2, parked=1)
    assert await events(inbox) == 2


async def test_an_event_that_makes_no_sense_is_parked_for_somebody_to_see(database_url: str) -> None:
    async with inbox_on(database_url, mappings("r", "loops")) as inbox:
        [outcome] = await inbox.receive([passed(1, user_id="a" * 256, room="r")])

        assert outcome.status == PARKED
        assert outcome.reason is not None
        assert "user_id: expected at most 255 characters" in outcome.reason


async def test_an_empty_batch_is_nothing(inbox: Inbox) -> None:
    before = await contents(inbox)
    assert await inbox.receive([]) == []
    assert await contents(inbox) == before


async def parked_before(inbox: Inbox, sent: Message) -> None:
    async with inbox.engine.database.write() as connection:
        await inbox_store.save_messages(connection, [inbox_store.Row(sent, PARKED, reason="no reason")])


class PowerCutError(Exception):
    """What ends everything."""


async def power_cut(*_: object, **__: object) -> None:
    raise PowerCutError


async def away(*_: object, **__: object) -> None:
    raise UnavailableError("expected a database, found none")
