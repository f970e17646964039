"""Which learners there are: those of a course are read from the log, chunk by chunk."""

import pytest

from engine.verify.learners import learners_of_course
from eventstore.db.database import Database
from eventstore.errors import NotFoundError
from tests.engine.rows import change
from tests.engine.support import HandClock, at, ping, quiz, running, step


async def of_course(database: Database, course_id: str) -> list[list[str]]:
    return [chunk async for chunk in learners_of_course(database, course_id, size=2)]


async def test_learners_of_a_course_have_events_in_any_class_of_any_version(database_url: str) -> None:
    async with running(database_url, HandClock(at(9))) as engine:
        # given two versions, a course beside them, and events before, between and after
        await engine.ingest.submit([ping(at(0), user_id="dora"), ping(at(0), user_id="eve", class_id="z")])
        await engine.publish("x", "X", (step("a"), step("b")))
        await engine.ingest.submit([quiz(at(1), user_id="bob", class_id="b"), ping(at(1), 3), ping(at(2), 4)])
        await engine.publish("x", "X", (step("c"),))
        await engine.publish("y", "Y", (step("z"),))
        await engine.ingest.submit([ping(at(3), user_id="cleo", class_id="c"), ping(at(3), course_id="y")])

        # when nothing but the log is left
        await change(engine.database, "DELETE FROM lms_progress", "DELETE FROM lms_learner")

        # then
        assert await of_course(engine.database, "x") == [["ada", "bob"], ["cleo", "dora"]]
        assert await of_course(engine.database, "y") == [["eve"]]


async def test_a_course_without_steps_has_no_learners_and_one_that_is_none_is_not_found(database_url: str) -> None:
    async with running(database_url, HandClock(at(9))) as engine:
        await engine.publish("empty", "", ())
        await engine.ingest.submit([ping(at(0), course_id="named")])

        assert await of_course(engine.database, "empty") == []
        with pytest.raises(NotFoundError, match="there is no published course with the id 'named'"):
            await of_course(engine.database, "named")
