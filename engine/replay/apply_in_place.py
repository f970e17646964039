"""In place: where a shadow hardly differs from the live tables, what differs is taken over, and the rest stays.

All of it in the transaction in which it is called, which nobody else writes in.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Delete, Insert, Select, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.replay.diff_queries import COMPARED, ROLL_UPS, LearnerFilter, SchemaPair, learners_in, read_roll_up
from eventstore.tables import in_schema


async def apply_in_place(connection: AsyncConnection, sides: SchemaPair, user_ids: Collection[str]) -> None:
    """Has the live tables say what the shadow says: of these learners, and in the roll-ups of all."""
    those = learners_in(user_ids)
    for table in COMPARED if user_ids else ():
        await connection.execute(delete_learners(in_schema(table, sides.live), those), those.parameters)
        await connection.execute(copy_learners(table, sides, those), those.parameters)
    for table in ROLL_UPS:
        mine, theirs = [await read_roll_up(connection, table, schema) for schema in sides]
        if mine != theirs:
            await connection.execute(delete(in_schema(table, sides.live)))
            await connection.execute(copy(table, sides))


def delete_learners(table: Table, those: LearnerFilter) -> Delete:
    """Removes those learners' rows."""
    return delete(table).where(those.condition(table.c.user_id))


def copy_learners(table: Table, sides: SchemaPair, those: LearnerFilter) -> Insert:
    """Copies those learners' rows from the shadow."""
    here = in_schema(table, sides.shadow)
    return copy(table, sides, select(here).where(those.condition(here.c.user_id)))


def copy(table: Table, sides: SchemaPair, rows: Select[Any] | None = None) -> Insert:
    """Copies `rows` of the shadow's table, or all."""
    return insert(in_schema(table, sides.live)).from_select(
        [c.name for c in table.c], rows if rows is not None else select(in_schema(table, sides.shadow))
    )
