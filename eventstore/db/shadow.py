"""Shadow tables: a second set of the derived tables, filled beside the live ones and then put in their place.

On a shadow's connections the names of the derived tables mean the shadow's, and all other names what they always do.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.db.connect import database_url
from eventstore.db.postgresql.shadow import PostgresqlShadow
from eventstore.db.sqlite.shadow import SqliteShadow
from eventstore.db.transactions import ConnectionRole, Transaction


class Shadow(Protocol):
    """One shadow of some tables of one database."""

    live: str
    """The schema of the live tables, as the shadow's connections call it."""

    schema: str
    """The schema of the shadow's."""

    needs_copy: bool
    """Whether its rows have to be brought to where they can be swapped in."""

    def engine(self, pool_size: int, use: ConnectionRole) -> AsyncEngine:
        """An engine for the shadow's connections, which change no more than is needed for that use."""

    async def prepare(self, live: AsyncConnection) -> None:
        """Makes the place where the shadow's tables are made next. Raises LmsError if they could not be swapped."""

    async def make_tables(self, connection: AsyncConnection) -> None:
        """Makes the shadow's tables: with their keys, but without the other indexes, which cost less at the end."""

    async def analyze(self, transaction: Transaction) -> None:
        """Has the database know what it should of a filled shadow to plan with."""

    async def index(self, connection: AsyncConnection) -> None:
        """Makes those, of what is there by then; or nothing, if that was done."""

    async def clear(self, live: AsyncConnection) -> bool:
        """Removes a part of what this shadow, or one that was left behind, takes up. Whether more is left."""

    async def publish(self, transaction: Transaction, tables: Collection[Table]) -> None:
        """Has all rows of filled tables, with their indexes, where they can be swapped in; by many transactions."""

    async def copy_learners(self, connection: AsyncConnection, user_ids: Collection[str]) -> None:
        """Has the rows of these learners where they can be swapped in, as they are now."""

    async def copy_rest(self, connection: AsyncConnection) -> None:
        """The same of the tables that are not brought by learner."""

    async def swap(self, connection: AsyncConnection, views: Mapping[str, str]) -> None:
        """Puts the shadow's tables in the place of the live ones, with those SQL views on top.

        Raises Unavailable if readers hold the live tables: nothing is changed then.
        """


def shadow_of(url: str, name: str, tables: Sequence[Table], by_learner: Collection[Table]) -> Shadow:
    """The shadow of that name, whatever the database. Rows of the tables `by_learner` are brought by learner."""
    parsed = database_url(url)
    kind = SqliteShadow if parsed.get_backend_name() == "sqlite" else PostgresqlShadow
    return kind(parsed, name, tables, by_learner)
