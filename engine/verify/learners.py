"""Which learners there are, a chunk at a time: all of them, some at random, or those of a course."""

from collections.abc import AsyncGenerator
from random import Random

from sqlalchemy import Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.verify.expected_rows import SHAPES
from eventstore.db.database import Database
from eventstore.db.json_rows import json_rows
from eventstore.errors import NotFoundError
from eventstore.tables import lms_event
from signals import course_catalog

CHUNK_LEARNERS = 500

TABLES = (lms_event, *(shape.table for shape in SHAPES))
"""Where a learner can be found: in the log, or in a derived table alone, which is drift."""

_e = lms_event.c
_classes = json_rows("classes", _e.class_id)


def select_learners(table: Table, after: str | None) -> Select[str]:
    """The next learners by id of one table."""
    query = select(table.c.user_id).distinct().order_by(table.c.user_id).limit(CHUNK_LEARNERS)
    return query if after is None else query.where(table.c.user_id > after)


def select_learners_of_classes(after: str | None) -> Select[str]:
    """The next learners by id who have events in some classes."""
    return select_learners(lms_event, after).where(_e.class_id.in_(select(_classes.c.class_id)))


async def learners_after(connection: AsyncConnection, after: str | None) -> list[str]:
    """The next learners by id, wherever they are found."""
    found: set[str] = set()
    for table in TABLES:
        found.update(await connection.scalars(select_learners(table, after)))
    return sorted(found)[:CHUNK_LEARNERS]


async def learners_at_random(database: Database, number: int, random: Random) -> list[str]:
    """So many learners, or all if there are fewer; each set of them is as likely as any other."""
    chosen: list[str] = []
    seen = 0
    async for user_ids in all_learners(database):
        for user_id in user_ids:
            seen += 1
            place = random.randrange(seen)
            if len(chosen) < number:
                chosen.append(user_id)
            elif place < number:
                chosen[place] = user_id
    return sorted(chosen)


async def all_learners(database: Database) -> AsyncGenerator[list[str], None]:
    """All learners in chunks, by id."""
    after: str | None = None
    while True:
        async with database.read() as connection:
            user_ids = await learners_after(connection, after)
        if not user_ids:
            return
        yield user_ids
        after = user_ids[-1]


async def learners_of_course(database: Database, course_id: str) -> AsyncGenerator[list[str], None]:
    """The learners, in chunks by id, whom the log has in any class of any version of the course.

    Raises NotFound if no course of that id was published.
    """
    classes = {"classes": [(class_id,) for class_id in await classes_of(database, course_id)]}
    after: str | None = None
    while True:
        async with database.read() as connection:
            user_ids = list(await connection.scalars(select_learners_of_classes(after), classes))
        if not user_ids:
            return
        yield user_ids
        after = user_ids[-1]


async def classes_of(database: Database, course_id: str) -> frozenset[str]:
    """The classes of all versions of a course."""
    async with database.read() as connection:
        history = (await course_catalog.load(connection)).histories.get(course_id)
    if history is None:
        raise NotFoundError(f"course_id: expected a published course, found {course_id!r}")
    return frozenset[str]().union(*(version.class_ids for version in history))
