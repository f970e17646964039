"""Connections to PostgreSQL that hand asyncpg the statements that come again, past SQLAlchemy and its hops."""

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from eventstore.dialects.prepared import Prepared, PreparedStatements


class DirectConnection(AsyncConnection):
    """As any, but what is prepared goes to the driver as it is, once SQLAlchemy has begun the transaction."""

    def __init__(self, engine: AsyncEngine, statements: PreparedStatements) -> None:
        super().__init__(engine)
        self._statements = statements

    async def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        driver = self._driver()
        prepared = None if options or isinstance(parameters, list) else self._statements.get(statement)
        if prepared is None or not driver.is_in_transaction():
            return await super().execute(statement, parameters, **options)
        return await self._run(driver, prepared, parameters or {})

    def _driver(self) -> Any:
        assert self.sync_connection is not None  # noqa: S101 - it was started
        return self.sync_connection.connection.driver_connection

    async def _run(self, driver: Any, prepared: Prepared, given: Mapping[str, Any]) -> Any:
        try:
            return prepared.result(await driver.fetch(prepared.sql, *prepared.arguments(given)))
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if driver.is_closed():
                await self.invalidate(error)
            raise DBAPIError(prepared.sql, None, error, hide_parameters=True) from error
