"""The example platform in a real PostgreSQL, for the monitor to read, and its students, who act there."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import make_url

from tests.support.postgres import PostgresServer

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "activity"
LAYOUT = EXAMPLE / "layout.toml"

READER = "lms_reader"
PASSWORD = "hidden-password"
GRANTS = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{READER}') THEN
        CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}';
    END IF;
END $$;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};
"""


class Platform(NamedTuple):
    """The database of a platform."""

    url: str

    @property
    def settings(self) -> dict[str, str]:
        """What `lms-progress monitor` is told of it."""
        url = make_url(self.url)
        return {
            "LMS_ACTIVITY_MONITOR_ENABLED": "true",
            "LMS_ACTIVITY_LAYOUT_FILE": str(LAYOUT),
            "LMS_DB_NAME": str(url.database),
            "LMS_DB_USER": READER,
            "LMS_DB_PASSWORD": PASSWORD,
            "LMS_DB_HOST": str(url.host),
            "LMS_DB_PORT": str(url.port),
        }

    def run(self, *statements: str) -> None:
        """Runs statements there, each with all that it changes committed."""
        asyncio.run(self._run(statements))

    def add(self, table: str, **values: Any) -> int:
        """Adds a row. Its id, where it has one."""
        return int(asyncio.run(self._add(table, values)) or 0)

    async def _run(self, statements: tuple[str, ...]) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _add(self, table: str, values: Mapping[str, Any]) -> Any:
        marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks}) RETURNING *"  # noqa: S608
        connection = await asyncpg.connect(self.url)
        try:
            [row] = await connection.fetch(statement, *values.values())
            return row.get("id")
        finally:
            await connection.close()


@contextmanager
def example_platform(server: PostgresServer) -> Iterator[Platform]:
    """A platform of the example's schema, without anybody in it."""
    platform = Platform(server.create_database())
    platform.run((EXAMPLE / "schema.sql").read_text(), GRANTS)
    yield platform
    server.drop_database(platform.url)
