"""The example platform in a real PostgreSQL, for the monitor to read, and its students, who act there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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

    def sit(self, student: int, exam: int, **values: Any) -> int:
        """A student has begun an exam just now, or done more, as other values say. The attempt's id."""
        now = datetime.now(UTC)
        begun = {"student_id": student, "exam_id": exam, "started_at": now, "updated_at": now}
        return self.add("exam_attempts", **begun | values)

    def change(self, attempt: int, **values: Any) -> None:
        """Something more has come of an attempt, just now."""
        changed = {"updated_at": datetime.now(UTC)} | values
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(changed, 2))
        statement = f"UPDATE exam_attempts SET {sets} WHERE id = $1"  # noqa: S608
        asyncio.run(self._ask(statement, attempt, *changed.values()))

    def look(self, student: int, content: int, **values: Any) -> int:
        """A student has begun to look at content just now, or done more, as other values say. The row's id."""
        now = datetime.now(UTC)
        begun = {"student_id": student, "content_id": content, "state": "started", "started_at": now, "updated_at": now}
        return self.add("content_progress", **begun | values)

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
        asyncio.run(self.execute(*statements))

    def add(self, table: str, **values: Any) -> int:
        """Adds a row. Its id."""
        marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks}) RETURNING *"  # noqa: S608
        [row] = asyncio.run(self._ask(statement, *values.values()))
        return int(row["id"])

    async def execute(self, *statements: str) -> None:
        """The same, from where something else is awaited."""
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _ask(self, statement: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()


FILL = """
INSERT INTO students (username, full_name, email) VALUES
    ('ada', 'Ada Lovelace', 'ada@students.example.org'), ('bob', 'Robert Bell', 'bob@students.example.org'),
    ('cleo', 'Cleo Kidd', 'cleo@students.example.org');
INSERT INTO mentors (username, full_name, email, zulip_user_id) VALUES
    ('grace', 'Grace Hopper', 'grace@mentors.example.org', 11),
    ('linus', 'Linus Pauling', 'linus@mentors.example.org', 12);
INSERT INTO student_mentors (student_id, mentor_id) VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO exams (title, max_score) VALUES ('Algebra, the exam', 20), ('Botany, the exam', NULL);
INSERT INTO courses (title) VALUES ('Sciences');
INSERT INTO chapters (course_id, name) VALUES (1, 'Plants');
INSERT INTO contents (chapter_id, title, content_type, duration_sec) VALUES
    (1, 'Leaves, the film', 'video', 300), (1, 'Roots, the film', 'Video', NULL), (1, 'Stems, the page', 'text', NULL);
"""
"""Ada has two mentors, Bob one of them, and Cleo none."""

PERSONAL = (
    "ada", "bob", "cleo", "lovelace", "bell", "kidd", "grace", "hopper", "linus", "pauling", "@students", "@mentors",
    "algebra", "botany", "leaves", "roots", "stems", "sciences", "plants", PASSWORD,
)  # fmt: skip
"""What is nobody's to read in a log."""


@contextmanager
def example_platform(server: PostgresServer) -> Iterator[Platform]:
    """A platform of the example's schema, without anybody in it."""
    platform = Platform(server.create_database())
    platform.run((EXAMPLE / "schema.sql").read_text(), GRANTS)
    yield platform
    server.drop_database(platform.url)
