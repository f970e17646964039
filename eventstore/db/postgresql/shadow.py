"""PostgreSQL's shadow: a schema of its own, which is first on the search path of the shadow's connections.

The swap moves tables from one schema to another, with their indexes; no row is touched.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Table, event, text
from sqlalchemy.engine.url import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from eventstore.concurrency import map_concurrently
from eventstore.db.connect import create_engine
from eventstore.db.transactions import ConnectionRole, Transaction
from eventstore.errors import LmsError

PREFIX = "lms_shadow_"
LOCK_TIMEOUT = "250ms"

SELECT_LEFT_BEHIND = text("SELECT nspname FROM pg_namespace WHERE nspname LIKE :pattern")
"""The schemas of this replay's shadow, and of shadows that killed replays left behind."""

SELECT_FOREIGN_VIEWS = text("""
    SELECT DISTINCT format('%s on %s', v.oid::regclass, t.relname)
    FROM pg_class t
    JOIN pg_depend d ON d.refobjid = t.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid
    JOIN pg_class v ON v.oid = r.ev_class AND v.oid <> t.oid
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relname = ANY(:tables) AND v.relname NOT LIKE 'v\\_%'
""")
"""Foreign views on our tables, which a swap would leave on the old tables."""

SELECT_GRANTS = text("""
    SELECT format('GRANT %s ON %I.%I TO %s', a.privilege_type, CAST(:here AS text), t.relname,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
    FROM pg_class t, aclexplode(t.relacl) a
    WHERE t.relnamespace = CAST(:live AS regnamespace) AND t.relname = ANY(:tables) AND a.grantee <> t.relowner
""")
"""The privileges of others on the live tables, as statements that grant them on the shadow's."""


class PostgresqlShadow:
    """The shadow as a schema."""

    needs_copy = False

    def __init__(self, url: URL, name: str, tables: Sequence[Table], _by_learner: Collection[Table]) -> None:
        self._url = url
        self._tables = tables
        self._names = [table.name for table in tables]
        self.schema = PREFIX + name
        self.live = ""

    def engine(self, pool_size: int, use: ConnectionRole) -> AsyncEngine:  # noqa: ARG002 - any connection here may do all
        engine = create_engine(self._url.render_as_string(hide_password=False), pool_size)
        event.listen(engine.sync_engine, "connect", self._put_first)
        return engine

    def _put_first(self, connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SELECT set_config('search_path', '{self.schema}, ' || current_setting('search_path'), false)")
        cursor.close()
        connection.commit()

    async def prepare(self, live: AsyncConnection) -> None:
        foreign = (await live.scalars(SELECT_FOREIGN_VIEWS, {"tables": self._names})).all()
        if foreign:
            raise LmsError(
                f"there are views of others on tables that a replay rebuilds, {', '.join(foreign)}: "
                "define them on our views (v_…), or drop them for the time of the replay"
            )
        self.live = (await live.execute(text("SELECT quote_ident(current_schema())"))).scalar_one()
        await live.execute(text(f"CREATE SCHEMA {self.schema}"))

    async def make_tables(self, connection: AsyncConnection) -> None:
        """Create unlogged tables: if the server stops, the replay has failed anyway."""
        for table in self._tables:
            made = str(CreateTable(table).compile(dialect=connection.dialect))
            await connection.execute(text(made.replace("CREATE TABLE", "CREATE UNLOGGED TABLE", 1)))

    async def analyze(self, transaction: Transaction) -> None:
        async def analyze(table: Table) -> None:
            async with transaction() as connection:
                await connection.execute(text(f"ANALYZE {self.schema}.{table.name}"))

        await map_concurrently(analyze, self._tables)

    async def index(self, connection: AsyncConnection) -> None:
        for table in self._tables:
            await self._index(connection, table)

    async def _index(self, connection: AsyncConnection, table: Table) -> None:
        for index in table.indexes:
            await connection.execute(CreateIndex(index, if_not_exists=True))

    async def clear(self, live: AsyncConnection) -> bool:
        pattern = PREFIX.replace("_", r"\_") + "%"
        for schema in (await live.scalars(SELECT_LEFT_BEHIND, {"pattern": pattern})).all():
            await live.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        return False

    async def copy_learners(self, connection: AsyncConnection, user_ids: Collection[str]) -> None:
        """Do nothing: all rows are in the same database already."""

    async def copy_rest(self, connection: AsyncConnection) -> None:
        """Do nothing: all rows are in the same database already."""

    async def publish(self, transaction: Transaction, tables: Collection[Table]) -> None:
        """Create the indexes, first of the tables with the most, so that small tables fill the remaining time."""

        async def publish_table(table: Table) -> None:
            async with transaction() as connection:
                await connection.execute(text(f"ALTER TABLE {self.schema}.{table.name} SET LOGGED"))
                await self._index(connection, table)

        await map_concurrently(publish_table, sorted(tables, key=lambda table: -len(table.indexes)))
        names = {"here": self.schema, "live": self.live, "tables": [table.name for table in tables]}
        async with transaction() as connection:
            for grant in (await connection.scalars(SELECT_GRANTS, names)).all():
                await connection.execute(text(grant))

    async def swap(self, connection: AsyncConnection, views: Mapping[str, str]) -> None:
        live = ", ".join(f"{self.live}.{name}" for name in self._names)
        for statement in (
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'",
            f"LOCK TABLE {live} IN ACCESS EXCLUSIVE MODE",
            f"CREATE SCHEMA {self.schema}_old",
            *(f"ALTER TABLE {self.live}.{name} SET SCHEMA {self.schema}_old" for name in self._names),
            *(f"ALTER TABLE {self.schema}.{name} SET SCHEMA {self.live}" for name in self._names),
            *(f"CREATE OR REPLACE VIEW {self.live}.{name} AS {select}" for name, select in views.items()),
        ):
            await connection.exec_driver_sql(statement)
