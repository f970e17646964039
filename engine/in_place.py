"""In place: where a shadow hardly differs from the live tables, what differs is taken over, and the rest stays.

All of it in the transaction in which it is called, which nobody else writes in.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Delete, Insert, Select, Table, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.changes import COMPARED, Sides
from eventstore.batch import batch
from eventstore.tables import lms_event_daily, lms_xp_histogram, on_side

ROLL_UPS = {lms_event_daily: ("day", "type", "events"), lms_xp_histogram: ("course_id", "period", "xp", "learners")}
"""The derived tables that are nobody's in particular: what they count by, and what they count."""


async def take_over(connection: AsyncConnection, sides: Sides, user_ids: Collection[str]) -> None:
    """Has the live tables say what the shadow says: of these learners, and in the roll-ups of all."""
    users = {"users": [(user_id,) for user_id in user_ids]}
    if user_ids:
        for table in COMPARED:
            await connection.execute(delete_learners(on_side(table, sides.live)), users)
            await connection.execute(copy_learners(table, sides), users)
    for table, counted in ROLL_UPS.items():
        here, live = [await counts(connection, on_side(table, schema), counted) for schema in (sides.here, sides.live)]
        if here != live:
            await connection.execute(delete(on_side(table, sides.live)))
            await connection.execute(copy(table, sides))


def delete_learners(table: Table) -> Delete:
    """Removes some learners' rows."""
    users = batch("users", table.c.user_id)
    return delete(table).where(table.c.user_id.in_(select(users.c.user_id)))


def copy_learners(table: Table, sides: Sides) -> Insert:
    """Copies some learners' rows from the shadow."""
    here = on_side(table, sides.here)
    users = batch("users", here.c.user_id)
    return copy(table, sides, select(here).where(here.c.user_id.in_(select(users.c.user_id))))


def copy(table: Table, sides: Sides, rows: Select[Any] | None = None) -> Insert:
    """Copies `rows` of the shadow's table, or all."""
    return insert(on_side(table, sides.live)).from_select(
        [c.name for c in table.c], rows if rows is not None else select(on_side(table, sides.here))
    )


async def counts(connection: AsyncConnection, table: Table, counted: tuple[str, ...]) -> set[tuple[object, ...]]:
    """What a roll-up counts, over all shards."""
    *by, number = (table.c[name] for name in counted)
    total = func.sum(number)
    return {tuple(row) for row in await connection.execute(select(*by, total).group_by(*by).having(total != 0))}
