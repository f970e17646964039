"""Finding learners, a chunk at a time: all of them, some at random, or those of a course."""

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

TABLES = (lms_event, *(shape.table for shape in SHAPES))
"""Where a learner can be found: in the log, or, which is a difference, in a derived table alone."""

_e = lms_event.c
_classes = json_rows("classes", _e.class_id)


def select_learners(table: Table, after: str | None, limit: int) -> Select[str]:
    """Select the next learners by id in one table."""
    query = select(table.c.user_id).distinct().order_by(table.c.user_id).limit(limit)
    return query if after is None else query.where(table.c.user_id > after)


def select_learners_of_classes(after: str | None, limit: int) -> Select[str]:
    """Select the next learners by id who have events in some classes."""
    return select_learners(lms_event, after, limit).where(_e.class_id.in_(select(_classes.c.class_id)))


async def learners_after(connection: AsyncConnection, after: str | None, limit: int) -> list[str]:
    """Return the next learners by id in any table."""
    found: set[str] = set()
    for table in TABLES:
        found.update(await connection.scalars(select_learners(table, after, limit)))
    return sorted(found)[:limit]


async def learners_at_random(database: Database, number: int, random: Random, size: int) -> list[str]:
    """Return `number` random learners, or all if there are fewer; each set of them is equally likely."""
    chosen: list[str] = []
    seen = 0
    async for user_ids in all_learners(database, size):
        for user_id in user_ids:
            seen += 1
            place = random.randrange(seen)
            if len(chosen) < number:
                chosen.append(user_id)
            elif place < number:
                chosen[place] = user_id
    return sorted(chosen)


async def all_learners(database: Database, size: int) -> AsyncGenerator[list[str], None]:
    """Return all learners by id, in chunks of at most `size`."""
    after: str | None = None
    while True:
        async with database.read() as connection:
            user_ids = await learners_after(connection, after, size)
        if not user_ids:
            return
        yield user_ids
        after = user_ids[-1]


async def learners_of_course(database: Database, course_id: str, size: int) -> AsyncGenerator[list[str], None]:
    """Return, in chunks by id, the learners with events in any class of any version of the course.

    Raise NotFoundError if no course of that id was published.
    """
    classes = {"classes": [(class_id,) for class_id in await classes_of(database, course_id)]}
    after: str | None = None
    while True:
        async with database.read() as connection:
            user_ids = list(await connection.scalars(select_learners_of_classes(after, size), classes))
        if not user_ids:
            return
        yield user_ids
        after = user_ids[-1]


async def classes_of(database: Database, course_id: str) -> frozenset[str]:
    """Return the classes of all versions of a course. Raise NotFoundError if it was never published."""
    async with database.read() as connection:
        history = (await course_catalog.load(connection)).histories.get(course_id)
    if history is None:
        raise NotFoundError(f"there is no published course with the id {course_id!r}")
    return frozenset[str]().union(*(version.class_ids for version in history))
