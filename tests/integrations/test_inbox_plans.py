"""What receiving messages costs, however many there are: every statement finds its rows by an index."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from integrations.inbound import inbox_store
from integrations.inbound.inbox import Inbox
from tests.conftest import opened
from tests.engine.support import HandClock, running
from tests.integrations.school import NOON, SCHOOL, SYSTEMS, learner, lesson, mappings, passed
from tests.support.explain import LEARNERS, equals, plans

FILL = (
    """INSERT INTO lms_inbox (source, message_id, type, topic, body, received_at, status)
       SELECT 'school', 'known ' || n, 'passed', 'news', '{"user_id": "ada", "lesson_id": "0"}', now(),
              CASE n % 5 WHEN 0 THEN 'parked' ELSE 'done' END
       FROM generate_series(1, :n) n""",
    """INSERT INTO lms_inbox_reference
       SELECT 'school', 'lesson', 'known ' || n, 'known ' || n FROM generate_series(1, :n) n""",
    """INSERT INTO lms_reference
       SELECT 'school', 'lesson', 'known ' || n, '', '', now(), false FROM generate_series(1, :n) n""",
    "INSERT INTO lms_profile SELECT 'learner-' || n, 'name', 'Somebody', now() FROM generate_series(1, :n) n",
    "VACUUM ANALYZE",
)

OF_MESSAGES = {
    "lms_inbox": equals("source", "message_id"),
    "lms_inbox_reference": equals("source", "kind", "external_id"),
    "lms_reference": equals("source", "kind", "external_id"),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database; on PostgreSQL, which counts, with many messages of many learners."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("plans") / "lms.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres")
    url = server.create_database(request.getfixturevalue("migrated_postgres"))
    asyncio.run(filled(url))
    yield url
    server.drop_database(url)


async def filled(url: str) -> None:
    async with opened(url) as database:
        autocommit = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with autocommit.connect() as connection:
            for statement in FILL:
                await connection.execute(text(statement), {"n": LEARNERS} if ":n" in statement else {})


async def test_receiving_finds_what_is_known_by_its_keys(url: str) -> None:
    async with running(url, HandClock(NOON + timedelta(hours=1))) as engine:
        inbox = Inbox(engine, mappings("r", "loops"), SYSTEMS)

        async def work() -> None:
            await inbox.receive([passed(1, lesson_id="1"), passed(2, lesson_id="2"), learner(3)])
            await inbox.receive([lesson(4, room="r", lesson_id="1"), passed(2, lesson_id="2")])

        found = await plans(engine.database, work)

    ours = [plan for plan in found if {reading.table for reading in plan.readings} & OF_MESSAGES.keys()]

    assert [fault for plan in ours for fault in plan.faults(OF_MESSAGES)] == []
    assert {reading.table for plan in ours for reading in plan.readings} == OF_MESSAGES.keys()


async def test_parked_messages_are_read_a_page_at_a_time(url: str) -> None:
    async with opened(url) as database:

        async def work() -> None:
            async with database.read() as connection:
                await inbox_store.parked_after(connection, (SCHOOL, "known 5"))

        [found] = await plans(database, work)

    assert list(found.faults({"lms_inbox": "source"})) == []
    assert {reading.table for reading in found.readings} == {"lms_inbox"}
