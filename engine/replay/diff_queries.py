"""Queries that compare the live tables with a shadow's. Each takes a schema name, so that one statement serves both."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.tables import DERIVED_BY_LEARNER
from eventstore.db.json_rows import json_rows
from eventstore.tables import in_schema
from projections.tables import lms_event_daily, lms_learner, lms_retry, lms_xp_histogram

COMPARED = (*DERIVED_BY_LEARNER, lms_retry)
"""The derived tables whose rows each belong to one learner."""

ROLL_UPS = {lms_event_daily: ("day", "type", "events"), lms_xp_histogram: ("course_id", "period", "xp", "learners")}
"""The derived tables that belong to no learner: the columns that they count by, and the column of the count."""

CACHED_TABLES = 64
"""Both schemas of all derived tables, for a few replays."""


class SchemaPair(NamedTuple):
    """The schemas of the live tables and of a shadow's."""

    live: str
    shadow: str


class LearnerFilter(NamedTuple):
    """A filter on learners: the WHERE condition for a given user_id column, and its parameters."""

    condition: Callable[[ColumnElement[str]], ColumnElement[bool]]
    parameters: Mapping[str, Any]


def learners_in(user_ids: Collection[str]) -> LearnerFilter:
    """Return the filter for these learners."""

    def condition(user_id: ColumnElement[str]) -> ColumnElement[bool]:
        return user_id.in_(select(json_rows("users", user_id).c.user_id))

    return LearnerFilter(condition, {"users": [(user_id,) for user_id in user_ids]})


def learner_range(after: str, until: str | None) -> LearnerFilter:
    """Return the filter for learners with `after` < user_id <= `until`; all behind `after` if `until` is None."""

    def condition(user_id: ColumnElement[str]) -> ColumnElement[bool]:
        return user_id > after if until is None else and_(user_id > after, user_id <= until)

    return LearnerFilter(condition, {})


@lru_cache(maxsize=CACHED_TABLES)
def in_cached_schema(table: Table, schema: str) -> Table:
    """Return the table in a schema: the same object each time, by which SQLAlchemy finds a compiled statement again."""
    return in_schema(table, schema)


async def ranges(connection: AsyncConnection, schemas: SchemaPair, size: int) -> AsyncIterator[LearnerFilter]:
    """Return ranges that cover all learners: of equal numbers of the shadow's, the last without an end."""
    after: str | None = ""
    while after is not None:
        until = await connection.scalar(select_boundary(schemas.shadow, after, size))
        yield learner_range(after, until)
        after = until


def select_boundary(schema: str, after: str, learners: int) -> Select[str]:
    """Select the last of the next `learners` learners behind `after`, if there are as many."""
    learner = in_cached_schema(lms_learner, schema).c.user_id
    return select(learner).where(learner > after).order_by(learner).offset(learners - 1).limit(1)


def count_live(table: Table, schemas: SchemaPair, learners: LearnerFilter) -> Select[str, int]:
    """Count the live rows of each learner."""
    user_id = in_cached_schema(table, schemas.live).c.user_id
    return select(user_id, func.count()).where(learners.condition(user_id)).group_by(user_id)


def count_shadow(table: Table, schemas: SchemaPair, learners: LearnerFilter) -> Select[str, int, int, int]:
    """Count, by learner, the shadow's rows, those whose key is live too, and those that are equal in both."""
    new, old = in_cached_schema(table, schemas.shadow), in_cached_schema(table, schemas.live)
    known = old.c.user_id.is_not(None)
    equal = (new.c[name].is_not_distinct_from(old.c[name]) for name in values(table))
    return (
        select(new.c.user_id, func.count(), func.count(old.c.user_id), func.count().filter(known, *equal))
        .outerjoin_from(new, old, and_(same_key(table, new, old), learners.condition(old.c.user_id)))
        .where(learners.condition(new.c.user_id))
        .group_by(new.c.user_id)
    )


def same_key(table: Table, new: Table, old: Table) -> ColumnElement[bool]:
    return and_(*(new.c[column.name] == old.c[column.name] for column in table.primary_key))


def values(table: Table) -> list[str]:
    """Return the compared columns besides the key. Those of a parked event leave its history out."""
    return [c.name for c in table.c if not c.primary_key] if table is not lms_retry else []


async def read_roll_up(connection: AsyncConnection, table: Table, schema: str) -> set[tuple[Any, ...]]:
    """Return the counts of a roll-up in one schema, summed over its shards."""
    side = in_cached_schema(table, schema)
    *by, number = (side.c[name] for name in ROLL_UPS[table])
    total = func.sum(number)
    return {tuple(row) for row in await connection.execute(select(*by, total).group_by(*by).having(total != 0))}
