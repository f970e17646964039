"""Connections to PostgreSQL that pass prepared statements to asyncpg directly, without SQLAlchemy's overhead."""

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.db.prepared import Prepared, PreparedStatements


class DirectConnection(AsyncConnection):
    """A connection that executes prepared statements by the driver, in a transaction that SQLAlchemy ends."""

    def __init__(self, engine: AsyncEngine, statements: PreparedStatements) -> None:
        super().__init__(engine)
        self._statements = statements

    async def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        prepared = None if options or isinstance(parameters, list) else self._statements.get(statement)
        if prepared is None:
            return await super().execute(statement, parameters, **options)
        return await self._run(prepared, parameters or {})

    async def _run(self, prepared: Prepared, given: Mapping[str, Any]) -> Any:
        assert self.sync_connection is not None  # noqa: S101 - it was started
        adapter: Any = self.sync_connection.connection.dbapi_connection
        driver: Any = self.sync_connection.connection.driver_connection
        try:
            if adapter._transaction is None:
                await adapter._start_transaction()  # SQLAlchemy calls it with its own first statement
            return prepared.result(await driver.fetch(prepared.sql, *prepared.arguments(given)))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, AsyncAdapt_asyncpg_dbapi.Error) as error:
            if driver.is_closed():
                await self.invalidate(error)
            raise DBAPIError(prepared.sql, None, error, hide_parameters=True) from error
