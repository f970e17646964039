"""Shadow tables: a second set of the derived tables, filled next to the live ones and then swapped in.

On a shadow's connections the names of derived tables mean the shadow's tables; other names mean the live ones.
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
    """A shadow of some tables of one database."""

    live: str
    """The schema of the live tables, as the shadow's connections call it."""

    schema: str
    """The schema of the shadow's tables."""

    needs_copy: bool
    """Whether the shadow's rows must be copied to staging tables before the swap."""

    def engine(self, pool_size: int, use: ConnectionRole) -> AsyncEngine:
        """Return an engine for the shadow's connections, with the least rights that the role needs."""

    async def prepare(self, live: AsyncConnection) -> None:
        """Prepare the place of the shadow's tables. Raise LmsError if they could not be swapped later."""

    async def make_tables(self, connection: AsyncConnection) -> None:
        """Create the shadow's tables with their keys, but without other indexes, which are cheaper to create at the
        end.
        """

    async def analyze(self, transaction: Transaction) -> None:
        """Collect the planner's statistics of a filled shadow, where the database uses them."""

    async def index(self, connection: AsyncConnection) -> None:
        """Create the other indexes, unless they exist."""

    async def clear(self, live: AsyncConnection) -> bool:
        """Remove a part of this shadow, or of one that a killed replay left behind. Return whether more is left."""

    async def publish(self, transaction: Transaction, tables: Collection[Table]) -> None:
        """Make all rows of filled tables ready for the swap, with their indexes, in many transactions."""

    async def copy_learners(self, connection: AsyncConnection, user_ids: Collection[str]) -> None:
        """Make the present rows of these learners ready for the swap."""

    async def copy_rest(self, connection: AsyncConnection) -> None:
        """Make the rows of the tables that are not copied by learner ready for the swap."""

    async def swap(self, connection: AsyncConnection, views: Mapping[str, str]) -> None:
        """Put the shadow's tables in the place of the live ones, and create these SQL views on them.

        Raise UnavailableError if readers hold the live tables: nothing is changed then.
        """


def shadow_of(url: str, name: str, tables: Sequence[Table], by_learner: Collection[Table]) -> Shadow:
    """Return the shadow of that name. Tables in `by_learner` are copied in chunks of learners."""
    parsed = database_url(url)
    kind = SqliteShadow if parsed.get_backend_name() == "sqlite" else PostgresqlShadow
    return kind(parsed, name, tables, by_learner)
