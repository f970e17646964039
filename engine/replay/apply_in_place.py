"""Applying a small diff in place: replace only the rows of learners that differ, and refresh the roll-ups.

Everything runs in the caller's exclusive transaction.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Delete, Insert, Select, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.replay.diff_queries import COMPARED, ROLL_UPS, LearnerFilter, SchemaPair, learners_in, read_roll_up
from eventstore.tables import in_schema


async def apply_in_place(connection: AsyncConnection, schemas: SchemaPair, user_ids: Collection[str]) -> None:
    """Bring the live tables to what the shadow has: the rows of these learners, and the roll-ups of all."""
    learners = learners_in(user_ids)
    for table in COMPARED if user_ids else ():
        await connection.execute(delete_learners(in_schema(table, schemas.live), learners), learners.parameters)
        await connection.execute(copy_learners(table, schemas, learners), learners.parameters)
    for table in ROLL_UPS:
        mine, theirs = [await read_roll_up(connection, table, schema) for schema in schemas]
        if mine != theirs:
            await connection.execute(delete(in_schema(table, schemas.live)))
            await connection.execute(copy(table, schemas))


def delete_learners(table: Table, learners: LearnerFilter) -> Delete:
    """Delete the learners' rows."""
    return delete(table).where(learners.condition(table.c.user_id))


def copy_learners(table: Table, schemas: SchemaPair, learners: LearnerFilter) -> Insert:
    """Copy the learners' rows from the shadow."""
    here = in_schema(table, schemas.shadow)
    return copy(table, schemas, select(here).where(learners.condition(here.c.user_id)))


def copy(table: Table, schemas: SchemaPair, rows: Select[Any] | None = None) -> Insert:
    """Copy `rows` of the shadow's table, or all of them."""
    return insert(in_schema(table, schemas.live)).from_select(
        [c.name for c in table.c], rows if rows is not None else select(in_schema(table, schemas.shadow))
    )
