"""Two sides: the live tables, and those of a shadow that are to take their place, read by one statement or the same."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from eventstore.db.json_rows import json_rows
from eventstore.tables import (
    DERIVED_BY_LEARNER,
    in_schema,
    lms_event_daily,
    lms_learner,
    lms_retry,
    lms_xp_histogram,
)

COMPARED = (*DERIVED_BY_LEARNER, lms_retry)
"""The derived tables of which each row is some learner's."""

ROLL_UPS = {lms_event_daily: ("day", "type", "events"), lms_xp_histogram: ("course_id", "period", "xp", "learners")}
"""The derived tables that are nobody's in particular: what they count by, and what they count."""

RANGE_LEARNERS = 2_500

KNOWN_TABLES = 64
"""Both sides of all derived tables, of a few replays."""


class SchemaPair(NamedTuple):
    """The schemas of the live tables and of those that are to take their place."""

    live: str
    shadow: str


class LearnerFilter(NamedTuple):
    """Some learners: what is true of their ids, in whatever column they stand, and the parameters of that."""

    condition: Callable[[ColumnElement[str]], ColumnElement[bool]]
    parameters: Mapping[str, Any]


def learners_in(user_ids: Collection[str]) -> LearnerFilter:
    """These learners."""

    def condition(user_id: ColumnElement[str]) -> ColumnElement[bool]:
        return user_id.in_(select(json_rows("users", user_id).c.user_id))

    return LearnerFilter(condition, {"users": [(user_id,) for user_id in user_ids]})


def learner_range(after: str, until: str | None) -> LearnerFilter:
    """The learners with `after` < user_id <= `until`, or all `after`."""

    def condition(user_id: ColumnElement[str]) -> ColumnElement[bool]:
        return user_id > after if until is None else and_(user_id > after, user_id <= until)

    return LearnerFilter(condition, {})


@lru_cache(maxsize=KNOWN_TABLES)
def one_side(table: Table, schema: str) -> Table:
    """The table on one side: the same object each time, by which SQLAlchemy knows a statement again."""
    return in_schema(table, schema)


async def ranges(connection: AsyncConnection, sides: SchemaPair) -> AsyncIterator[LearnerFilter]:
    """All learners by so many of the shadow's, and with the last of them all that the live tables have beyond."""
    after: str | None = ""
    while after is not None:
        until = await connection.scalar(select_boundary(sides.shadow, after, RANGE_LEARNERS))
        yield learner_range(after, until)
        after = until


def select_boundary(schema: str, after: str, learners: int) -> Select[str]:
    """The last of the next so many learners `after` that one, if there are so many of them."""
    learner = one_side(lms_learner, schema).c.user_id
    return select(learner).where(learner > after).order_by(learner).offset(learners - 1).limit(1)


def count_live(table: Table, sides: SchemaPair, those: LearnerFilter) -> Select[str, int]:
    """How many rows of the live table each of those learners has."""
    user_id = one_side(table, sides.live).c.user_id
    return select(user_id, func.count()).where(those.condition(user_id)).group_by(user_id)


def count_shadow(table: Table, sides: SchemaPair, those: LearnerFilter) -> Select[str, int, int, int]:
    """How many of the shadow's; and how many of them are in the live table, too, by their key, or as they are."""
    new, old = one_side(table, sides.shadow), one_side(table, sides.live)
    known = old.c.user_id.is_not(None)
    equal = (new.c[name].is_not_distinct_from(old.c[name]) for name in values(table))
    return (
        select(new.c.user_id, func.count(), func.count(old.c.user_id), func.count().filter(known, *equal))
        .outerjoin_from(new, old, and_(same_key(table, new, old), those.condition(old.c.user_id)))
        .where(those.condition(new.c.user_id))
        .group_by(new.c.user_id)
    )


def same_key(table: Table, new: Table, old: Table) -> ColumnElement[bool]:
    return and_(*(new.c[column.name] == old.c[column.name] for column in table.primary_key))


def values(table: Table) -> list[str]:
    """The columns that are compared besides the key. What else a parked event's row says is its history."""
    return [c.name for c in table.c if not c.primary_key] if table is not lms_retry else []


async def read_roll_up(connection: AsyncConnection, table: Table, schema: str) -> set[tuple[Any, ...]]:
    """What one side's roll-up counts, over all shards."""
    side = one_side(table, schema)
    *by, number = (side.c[name] for name in ROLL_UPS[table])
    total = func.sum(number)
    return {tuple(row) for row in await connection.execute(select(*by, total).group_by(*by).having(total != 0))}
