"""A shadow of the derived tables: filled while the live ones serve, then swapped in, and removed in any case."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from eventstore.db.database import Database
from eventstore.db.shadow import Shadow, shadow_of
from eventstore.db.transactions import ConnectionRole
from eventstore.tables import DERIVED, DERIVED_BY_LEARNER

CLEARING_PAUSE_SEC = 0.01


class ShadowTables(NamedTuple):
    """An open shadow. Transactions of `filling` change the shadow alone, those of `swapping` also what is live.

    Those of `bringing` change where rows are brought to, and let others fill the shadow.
    """

    shadow: Shadow
    building: Database
    copying: Database
    swapping: Database


@asynccontextmanager
async def open_shadow(database: Database, name: str) -> AsyncIterator[ShadowTables]:
    """An empty shadow of that name, beside the live tables of `database`. What others left behind is removed."""
    shadow = shadow_of(database.url, name, DERIVED, DERIVED_BY_LEARNER)
    await clear(database, shadow)
    async with database.write() as live:
        await shadow.prepare(live)
    tables = ShadowTables(shadow, *(Database(database.url, engine=shadow.engine(2, use)) for use in ConnectionRole))
    try:
        async with tables.building.write_without_course_lock() as connection:
            await shadow.make_tables(connection)
        yield tables
    finally:
        for way in (tables.building, tables.copying, tables.swapping):
            await way.close()
        await clear(database, shadow)


def open_builder(url: str, name: str) -> Database:
    """A way into the shadow of that name, for whoever fills it."""
    return Database(url, engine=shadow_of(url, name, DERIVED, DERIVED_BY_LEARNER).engine(2, ConnectionRole.BUILD))


async def clear(database: Database, shadow: Shadow) -> None:
    """Removes it in small steps, between which others can write."""
    more = True
    while more:
        began = time.monotonic()
        async with database.write() as live:
            more = await shadow.clear(live)
        if more:
            await asyncio.sleep(max(CLEARING_PAUSE_SEC, time.monotonic() - began))
