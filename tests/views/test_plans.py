"""What reading and recording cost, however much there is: every statement finds its rows by an index.

None reads a table whole, and none sorts more than one learner's rows. PostgreSQL plans by what it counted, so
it is asked with enough rows to count; SQLite plans without counting.
"""

import asyncio
import re
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from inspect import getmembers, iscoroutinefunction
from pkgutil import iter_modules
from types import ModuleType
from typing import NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

import integrations.views
import views
from engine.courses.backfill import select_learners
from engine.replay import replay_list
from engine.replay.store import ReplayRequest, start
from integrations.outbound import deliveries, fan_out
from integrations.outbound.retry_policy import apply_result
from integrations.outbound.sink import DELIVERED
from integrations.views import delivery_list, failed_notifications, inbox_list, subscription_list
from projections.rollups import xp_histogram
from projections.rollups.leaderboard import LeaderboardKey
from projections.rollups.xp_histogram import XpBucket
from signals.course_catalog import CourseCache
from tests.conftest import opened
from tests.engine.support import HandClock, at, ping, quiz, running, step
from tests.integrations.scripted_sink import ScriptedSink
from tests.support.explain import LEARNERS, By, Plan, Reading, equals, plans
from tests.support.postgres import PostgresServer
from views import (
    durations,
    enrolments,
    event_daily_stats,
    event_list,
    leaderboard,
    learner_names,
    learner_progress,
    message_daily_stats,
    retry_list,
    signal_list,
    signal_summary,
    user_activity,
    user_progress,
)
from views.page import encode

FILL = (
    "INSERT INTO lms_learner SELECT 'learner-' || n, timestamptz '2026-01-01' FROM generate_series(1, :n) n",
    """INSERT INTO lms_event (event_id, type, version, user_id, class_id, payload, occurred_at, recorded_at, source)
       SELECT gen_random_uuid(), CASE n % 500 WHEN 0 THEN 'QUIZ_SUBMIT' ELSE 'VIDEO_PING' END, '1.0',
              'learner-' || n % :n, 'class-' || n % 499, '{}',
              timestamptz '2026-01-01' + n * interval '1 min', now(), ''
       FROM generate_series(1, 2 * :n) n""",
    """INSERT INTO lms_progress (user_id, class_id, course_id, video_max_position_sec)
       SELECT 'learner-' || n % :n, CASE WHEN n > :n THEN 'class-' || n % 499 ELSE 'everyone' END,
              'course-' || n % 101, 10
       FROM generate_series(1, 2 * :n) n""",
    """INSERT INTO lms_signal
       SELECT gen_random_uuid(), CASE n % 500 WHEN 0 THEN 'COURSE_COMPLETED' ELSE 'STEP_COMPLETED' END,
              'learner-' || n % :n, 'class-' || n % 499, 'course-' || n % 101,
              timestamptz '2026-01-01' + n * interval '1 min', 10
       FROM generate_series(1, 2 * :n) n""",
    """INSERT INTO lms_xp
       SELECT 'learner-' || n, (ARRAY['', 'x', 'y'])[1 + n % 3], (ARRAY['all', '2026-01'])[1 + n / 3 % 2], n % 1000
       FROM generate_series(1, 2 * :n) n""",
    """INSERT INTO lms_xp_histogram
       SELECT (ARRAY['', 'x', 'y'])[1 + n % 3], (ARRAY['all', '2026-01'])[1 + n / 3 % 2], n, n % 16, 1
       FROM generate_series(1, :n) n""",
    """INSERT INTO lms_retry
       SELECT gen_random_uuid(), 'learner-' || n, gen_random_uuid(), 'rule', 0,
              timestamptz '2026-01-01' + n * interval '1 min', now(), '',
              CASE n % 500 WHEN 0 THEN 'dead' ELSE 'pending' END
       FROM generate_series(1, :n) n""",
    """INSERT INTO lms_replay (replay_id, status, events_done, events_total, parked, signals_gained, signals_lost,
                               rows_differing, started_at)
       SELECT gen_random_uuid(), 'finished', 0, 0, 0, 0, 0, 0, now() FROM generate_series(1, :n) n""",
    """INSERT INTO lms_inbox (source, message_id, type, topic, body, received_at, status)
       SELECT (ARRAY['redis', 'kafka'])[1 + n % 2], 'message-' || n, 'told', 'news', '{}', now(),
              CASE n % 500 WHEN 0 THEN 'parked' ELSE 'done' END
       FROM generate_series(1, :n) n""",
    """INSERT INTO lms_outbox (user_id, message_id, type, body, created_at, relayed_at)
       SELECT 'learner-' || n, gen_random_uuid(), 'STEP_COMPLETED', '{}', now(), now() FROM generate_series(1, :n) n""",
    """INSERT INTO lms_delivery
       SELECT user_id, (ARRAY['redis', 'kafka'])[1 + seq % 2], message_id, type, seq,
              CASE WHEN seq % 500 = 0 THEN 'dead' WHEN seq % 5 < 2 THEN 'pending' ELSE 'sent' END, 1,
              timestamptz '2026-01-01', timestamptz '2026-01-01', NULL, NULL
       FROM lms_outbox WHERE relayed_at IS NOT NULL""",
    """INSERT INTO lms_subscription
       SELECT 'webhook-' || n, 'https://hooks.example.org', '', '',
              timestamptz '2026-01-01' + n * interval '1 min', now()
       FROM generate_series(1, :n) n""",
    """INSERT INTO lms_message_daily
       SELECT date '2020-01-01' + n / 64, (ARRAY['redis', 'kafka'])[1 + n / 32 % 2], 'news',
              (ARRAY['told', 'asked'])[1 + n / 16 % 2], n % 16, 1
       FROM generate_series(1, :n) n""",
    "INSERT INTO lms_profile SELECT 'learner-' || n, 'name', 'Somebody', now() FROM generate_series(1, :n) n",
    "INSERT INTO lms_enrolment SELECT 'learner-' || n, 'course-' || n % 101, now() FROM generate_series(1, :n) n",
    "INSERT INTO lms_media SELECT 'class-' || n, 'video', 60, now() FROM generate_series(1, :n) n",
    """INSERT INTO lms_event_daily
       SELECT date '2020-01-01' + n / 32, CASE n % 2 WHEN 0 THEN 'QUIZ_SUBMIT' ELSE 'VIDEO_PING' END, n / 2 % 16, 1
       FROM generate_series(1, :n) n""",
)
"""Many rows, on PostgreSQL. None is of the last 24 hours: what it counted must not mislead it about those to come."""


class Case(NamedTuple):
    """A way to read something, and how its rows must be found."""

    read: Callable[[AsyncConnection], Awaitable[object]]
    by: By


ADA = {"user_id": "ada"}
CLASS = {"class_id": "class-5"}
COURSE = {"course_id": "course-1"}
INSTANT = datetime(2026, 2, 1, tzinfo=UTC)
SIGNAL_ID = "0f0f7a52-6f9c-4f0e-8d43-0d0cf6b1a001"
REPLAY_ID = "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11"
OF_A_LEARNER = equals("user_id")
OF_A_BOARD = dict.fromkeys(("lms_xp", "lms_xp_histogram"), equals("course_id", "period"))
SHOWN_ON_A_BOARD = OF_A_BOARD | {"lms_profile": OF_A_LEARNER}
WRITTEN = {
    "lms_event",
    "lms_learner",
    "lms_event_daily",
    "lms_progress",
    "lms_signal",
    "lms_xp",
    "lms_xp_histogram",
    "lms_outbox",
}
"""What recording events writes to that complete something."""


OF_THE_RELAY = re.compile(r"^(SELECT|UPDATE).*\blms_(delivery|outbox)\b", re.DOTALL)


def cases() -> Iterator[tuple[str, Case]]:
    """Every function of `views` that reads for a page, in all the ways it can be asked to, by its name."""
    yield from lists()
    yield from leaderboards()
    of_courses = partial(signal_list.read_of_courses, user_id="ada")
    yield "signal_list.read_of_courses", Case(of_courses, {"lms_signal": OF_A_LEARNER})
    learner = partial(user_progress.read_learner, user_id="ada")
    yield "user_progress.read_learner", Case(learner, {"lms_progress": OF_A_LEARNER})
    in_all = dict.fromkeys(("lms_progress", "lms_signal", "lms_xp", "lms_profile", "lms_enrolment"), OF_A_LEARNER)
    yield "learner_progress.read", Case(page_of_ada, in_all | {"lms_media": equals("class_id")})
    names = partial(learner_names.read, user_ids=["ada", "learner-5"])
    yield "learner_names.read", Case(names, {"lms_profile": OF_A_LEARNER})
    enrolled = partial(enrolments.read_learner, user_id="ada")
    yield "enrolments.read_learner", Case(enrolled, {"lms_enrolment": OF_A_LEARNER})
    lengths = partial(durations.read, class_ids=["class-5", "class-6"])
    yield "durations.read", Case(lengths, {"lms_media": equals("class_id")})
    one = partial(replay_list.read, replay_id=REPLAY_ID)
    yield "replay_list.read", Case(one, {"lms_replay": equals("replay_id")})


async def page_of_ada(connection: AsyncConnection) -> object:
    return await learner_progress.read(connection, "ada", await CourseCache().courses(connection))


def leaderboards() -> Iterator[tuple[str, Case]]:
    standing = partial(xp_histogram.read_rank_counts, bucket=XpBucket(*LeaderboardKey(), 500))
    yield "xp_histogram.read_rank_counts", Case(standing, {"lms_xp_histogram": equals("course_id", "period")})
    for board in (LeaderboardKey(), LeaderboardKey("x")):
        around = partial(leaderboard.read_around, leaderboard=board, user_id="ada", neighbours=5)
        yield f"leaderboard.read_around {board}", Case(around, SHOWN_ON_A_BOARD)
        for cursor in (None, encode((500, "learner-5"))):
            top = partial(leaderboard.read, leaderboard=board, limit=10, cursor=cursor)
            yield f"leaderboard.read {board} {'after a cursor' if cursor else ''}", Case(top, SHOWN_ON_A_BOARD)


def lists() -> Iterator[tuple[str, Case]]:
    by_type = {"type": "QUIZ_SUBMIT"}
    key: Mapping[str, object] = {"occurred_at": INSTANT, "seq": 5000}
    yield from pages(event_list, "lms_event", key, ADA, by_type, ADA | by_type)
    by_type = {"type": "COURSE_COMPLETED"}
    key = {"occurred_at": INSTANT, "signal_id": SIGNAL_ID}
    filters = (ADA, CLASS, COURSE, by_type, ADA | CLASS, ADA | COURSE, ADA | by_type)
    yield from pages(signal_list, "lms_signal", key, *filters)
    key = {"user_id": "ada", "class_id": "a"}
    yield from pages(user_progress, "lms_progress", key, ADA, CLASS, COURSE, ADA | CLASS, ADA | COURSE)
    yield from pages(event_daily_stats, "lms_event_daily", {"day": INSTANT.date(), "type": "VIDEO_PING"})
    key = {"day": INSTANT.date(), "source": "redis", "topic": "news", "type": "told"}
    yield from pages(message_daily_stats, "lms_message_daily", key)
    key, by_source = {"source": "kafka", "message_id": "message-5"}, {"source": "redis"}
    yield from pages(inbox_list, "lms_inbox", key, by_source)
    for status in ({"status": "parked"}, {"status": "done"}):
        for name, case in pages(inbox_list, "lms_inbox", key, status, status | by_source):
            yield f"{name} {status['status']}", case._replace(by={"lms_inbox": ""})
    key = {"parked_at": INSTANT, "retry_id": SIGNAL_ID}
    yield from pages(retry_list, "lms_retry", key, {"status": "dead"})
    key = {"created_at": INSTANT, "subscription_id": "webhook-5"}
    yield from pages(subscription_list, "lms_subscription", key)
    key = {"status": "dead", "sink": "redis", "seq": 5000}
    yield from pages(delivery_list, "lms_delivery", key, {"status": "dead"})
    of_types = {"types": ("STEP_COMPLETED",)}
    for name, case in pages(failed_notifications, "lms_delivery", key):
        found_by = {"lms_delivery": r"\bstatus\b", "lms_outbox": equals("user_id", "message_id")}
        yield name, case._replace(read=partial(case.read, **of_types), by=found_by)
    yield from pages(signal_summary, "lms_signal", {"user_id": "ada", "type": "QUIZ_PASSED"}, ADA)
    for name, case in pages(user_activity, "lms_learner", {"user_id": "ada"}, ADA):
        yield name, case._replace(by={**case.by, "lms_event": OF_A_LEARNER + r".*\boccurred_at ?>"})


def pages(
    module: ModuleType, table: str, key: Mapping[str, object], *filters: Mapping[str, str]
) -> Iterator[tuple[str, Case]]:
    """The first page, and the one after that key: of everything, and with each of the filters.

    Rows of a filter are found by it, and of several by the first; of everything, by the order they are shown in.
    """
    read = module.read
    for given in ({}, *filters):
        for cursor in (None, encode(list(key.values()))):
            order = rf"\b{next(iter(key))}\b" if cursor else ""
            found_by = equals(next(iter(given))) if given else order
            words = [f"{module.__name__.rpartition('.')[2]}.read", *given, *(["after a cursor"] if cursor else [])]
            yield " ".join(words), Case(partial(read, limit=10, cursor=cursor, **given), {table: found_by})


CASES = dict(cases())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database in which ada has done something; on PostgreSQL, so have many others."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("plans") / "lms.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return filled(f"sqlite:///{path}", ())
    server: PostgresServer = request.getfixturevalue("postgres")
    return filled(server.create_database(request.getfixturevalue("migrated_postgres")), (*FILL, "VACUUM ANALYZE"))


def filled(url: str, statements: tuple[str, ...]) -> str:
    async def fill() -> None:
        async with running(url, HandClock(INSTANT)) as engine:
            await engine.publish("x", "", (step("a", "both"),))
            await engine.ingest.submit([ping(INSTANT), quiz(INSTANT)])
            await start(engine.database, REPLAY_ID, ReplayRequest(), INSTANT)
            for statement in statements:
                async with engine.database.engine.execution_options(
                    isolation_level="AUTOCOMMIT"
                ).connect() as connection:
                    await connection.execute(text(statement), {"n": LEARNERS} if ":n" in statement else {})

    asyncio.run(fill())
    return url


def test_every_way_to_read_is_asked_for_its_plan() -> None:
    packages = (views, integrations.views)
    modules = {
        module.name: import_module(f"{package.__name__}.{module.name}")
        for package in packages
        for module in iter_modules(package.__path__)
    } | {"replay_list": replay_list, "xp_histogram": xp_histogram}
    reading = {
        f"{name}.{function}"
        for name, module in modules.items()
        for function, value in getmembers(module, iscoroutinefunction)
        if function.startswith("read") and value.__module__ == module.__name__
    }

    assert {name.split()[0] for name in CASES} == reading


@pytest.mark.parametrize("name", CASES)
async def test_reading_finds_its_rows_by_an_index(url: str, name: str) -> None:
    read, by = CASES[name]

    async with opened(url) as database:

        async def work() -> None:
            async with database.read() as connection:
                await read(connection)

        found = await plans(database, work)

    check(found, by)


async def test_recording_finds_what_it_changes_by_learner(url: str) -> None:
    async with running(url, HandClock(at(9))) as engine:

        async def work() -> None:
            bob, cleo = ping(at(8), user_id="bob"), ping(at(8), user_id="cleo")
            await engine.ingest.submit([bob, quiz(at(8), user_id="bob"), cleo])
            await engine.ingest.submit([ping(at(0), user_id="cleo")])  # the week before: she leaves a leaderboard

        found = await plans(engine.database, work)

    check(found, dict.fromkeys(("lms_progress", "lms_signal", "lms_xp"), OF_A_LEARNER))
    assert {table for plan in found for table in re.findall(r"^INSERT INTO (\w+)", plan.statement)} == WRITTEN


async def test_relaying_finds_what_is_due_by_sink_and_the_rest_by_learner(url: str) -> None:
    async with running(url, HandClock(at(9))) as engine:

        async def work() -> None:
            await engine.ingest.submit([ping(at(8), user_id="dot"), quiz(at(8), user_id="dot")])
            async with engine.database.write_without_course_lock() as connection:
                assert await fan_out.has_pending(connection)
                waiting = await fan_out.read_pending(connection, 500)
                courses = await CourseCache().courses(connection)
                await fan_out.fan_out(connection, waiting, [ScriptedSink("redis").spec], courses, at(9))
                due = await deliveries.select_due_deliveries(connection, "redis", 100, at(9))
                await deliveries.save_outcomes(
                    connection, [apply_result(one, "redis", DELIVERED, at(9)) for one in due]
                )

        found = await plans(engine.database, work)

    ours = [unaliased(plan) for plan in found if OF_THE_RELAY.search(plan.statement)]
    due = equals("status", "sink") + "|" + equals("sink", "user_id")
    waiting = "^$|" + equals("user_id", "message_id")
    check(ours, {"lms_delivery": due, "lms_outbox": waiting})


def unaliased(plan: Plan) -> Plan:
    """SQLite's plans name a table that is read twice as the statement does, and a part of the statement as a table."""
    readings = [reading for reading in plan.readings if reading.table != "due"]
    return plan._replace(readings=[Reading(table.replace("earlier", "lms_delivery"), by) for table, by in readings])


async def test_the_leaderboard_as_a_view_reads_one_board(url: str) -> None:
    async with opened(url) as database:

        async def work() -> None:
            async with database.read() as connection:
                await connection.execute(text("SELECT * FROM v_leaderboard LIMIT 10"))

        [found] = await plans(database, work)

    read = [reading for reading in found.readings if reading.table in OF_A_BOARD]
    assert sorted(reading.table for reading in read) == sorted(OF_A_BOARD)
    assert all(re.search(OF_A_BOARD[reading.table], reading.condition or "") for reading in read)


async def test_publishing_finds_whom_it_concerns_by_class_and_the_rest_by_learner(url: str) -> None:
    async with running(url, HandClock(at(9))) as engine:

        async def work() -> None:
            await engine.publish("y", "", (step("a"),))
            async with engine.database.read() as connection:
                await connection.execute(select_learners("everyone", "learner-5", 500))

        found = await plans(engine.database, work)

    learners = [plan for plan in found if "lms_progress.class_id = " in plan.statement]
    check(learners, {"lms_progress": equals("class_id")})
    by = dict.fromkeys(("lms_progress", "lms_signal", "lms_learner"), OF_A_LEARNER)
    check([plan for plan in found if plan not in learners], by | {"lms_event": ""})


def check(found: list[Plan], by: By) -> None:
    """That the plans have no fault, and are of those tables, no more and no less."""
    assert [fault for plan in found for fault in plan.faults(by)] == []
    assert {reading.table for plan in found for reading in plan.readings} == set(by)
