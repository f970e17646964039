"""Times: one instant is one text, of one width, so that SQLite orders them as they came; in every column there is."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap import keys
from engine.engine import Engine
from engine.parking.park import park
from engine.replay.store import ReplayReport, ReplayRequest, finish, start
from eventstore.db import UtcTime
from eventstore.tables import metadata
from eventstore.times import from_text, to_text
from integrations.inbound import inbox_store, reference_store
from integrations.inbound.inbox_store import Row
from integrations.inbound.message import Message
from integrations.inbound.reference_data import Enrolment, Fact, Media, Profile, ProfileField, Reference
from integrations.notifications import notified_stats
from integrations.platform_monitor import store
from integrations.platform_monitor.store import ActivityRow
from integrations.runtime import cursors
from integrations.runtime.lease import Lease
from integrations.tables import InboxStatus
from integrations.webhook import subscriptions
from projections.fold import RuleFailure
from tests.engine.rows import rows
from tests.engine.support import HandClock, at, ping, quiz, running, step
from tests.integrations.notices import exam, message_to
from tests.integrations.scripted_sink import ScriptedSink, relay_to

TEXTS = [
    (datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "2026-11-21T09:30:00.000000Z"),
    (datetime(2026, 11, 21, 9, 30, 0, 1, tzinfo=UTC), "2026-11-21T09:30:00.000001Z"),
    (datetime(2026, 11, 21, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-11-20T19:00:00.000000Z"),
    (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
    (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
]


@pytest.mark.parametrize(("instant", "text"), TEXTS)
def test_an_instant_is_written_in_utc_with_microseconds(instant: datetime, text: str) -> None:
    assert to_text(instant) == text
    assert from_text(text) == instant
    assert from_text(text).tzinfo is UTC


instants = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.timezones())  # noqa: DTZ001 - drawn


@given(instants, instants)
def test_texts_are_of_one_width_and_sort_as_their_instants_do(one: datetime, other: datetime) -> None:
    first, second = to_text(one), to_text(other)

    assert len(first) == len(second) == 27
    assert (first < second) == (one.astimezone(UTC) < other.astimezone(UTC))


def test_of_an_hour_that_comes_twice_each_is_itself() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    assert to_text(first) == "2026-10-25T00:30:00.000000Z"
    assert to_text(first.replace(fold=1)) == "2026-10-25T01:30:00.000000Z"


NOT_WRITTEN_YET = {"lms_erasure.erased_at"}
"""What nothing writes so far. Once something does, it belongs into `everything`, and off this list."""

REPLAY_ID = "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11"
FIXED_WIDTH = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def test_on_sqlite_every_time_in_every_column_is_text_of_that_width(new_sqlite: Callable[[], str]) -> None:
    async with running(new_sqlite(), HandClock(at(9))) as engine:
        await everything(engine)
        times = {column: await values(engine, column) for column in time_columns()}

    assert {column for column, found in times.items() if not found} == NOT_WRITTEN_YET
    assert [time for found in times.values() for time in found if not FIXED_WIDTH.fullmatch(str(time))] == []


def time_columns() -> list[str]:
    columns = [column for table in metadata.sorted_tables for column in table.c]
    return [str(column) for column in columns if isinstance(column.type, UtcTime)]


async def values(engine: Engine, column: str) -> list[object]:
    """What stands in the column, as SQLite has it."""
    table = column.partition(".")[0]
    found = await rows(engine.database, f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL")  # noqa: S608
    return [value for (value,) in found]


async def everything(engine: Engine) -> None:
    """All that writes a time: on the second, between seconds, and told in another zone."""
    there = timezone(timedelta(hours=-5))
    await engine.publish("x", "", (step("a", "both"),))
    await engine.ingest.submit([ping(at(0)), quiz(at(1, 1)), ping(at(2).astimezone(there))])
    await start(engine.database, REPLAY_ID, ReplayRequest(), at(6))
    await relay_to(engine.database, engine.clock, ScriptedSink()).once()
    await Lease(engine.database, "test", engine.clock).acquire()
    told: list[Fact] = [
        Profile("ada", ProfileField.NAME, "Ada", at(3)),
        Enrolment("ada", "x", at(3, 1)),
        Media("a", "m", 9, at(3)),
    ]
    async with engine.database.write() as connection:
        await inbox_store.save_messages(
            connection, [Row(Message("test", "1", "told", "", "{}", at(3)), InboxStatus.DONE)]
        )
        await reference_store.save_reference_data(
            connection, [*told, Reference("test", "lesson", "1", None, "", at(3).astimezone(there))]
        )
        await finish(connection, REPLAY_ID, ReplayReport(3, 1, 0, 0, 0, at(4)), at(7))
        await park(connection, [RuleFailure(ping(at(0)), "rule", ValueError("poison"))], at(4))
        subscription = await subscriptions.create(connection, "https://hooks.example.org", [], at(5))
        await subscriptions.disable(connection, subscription.subscription_id, "gone", at(6).astimezone(there))
        await store.save_activities(
            connection, [ActivityRow("123", "exam-1", "exam_passed", at(3).astimezone(there), at(3, 1))]
        )
        await notified_stats.record_notified(connection, [message_to(exam())], at(4).astimezone(there))
        await cursors.advance(connection, "test", "{}", at(3).astimezone(there))
        await keys.create(connection, "key", [], at(5))
        for key in await keys.list_all(connection):
            await keys.revoke(connection, key.key_id, at(6))
