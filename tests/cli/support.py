"""The program as a terminal runs it, and lines of events for it to read."""

import asyncio
import os
import subprocess
import sysconfig
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import text

from tests.conftest import opened
from tests.support.derived import derived

PROGRAM = Path(sysconfig.get_path("scripts")) / "lms-progress"


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it said on stdout and stderr."""

    code: int
    out: str
    err: str


def environment(url: str, **settings: str) -> dict[str, str]:
    """This process's environment, with the settings of lms-progress set to just these."""
    neutral = {name: value for name, value in os.environ.items() if not name.startswith("LMS_")}
    return neutral | {"LMS_DATABASE_URL": url} | settings


def run(url: str, *arguments: str | Path, stdin: bytes = b"", **settings: str) -> Ended:
    """Runs `lms-progress` on the database at `url`."""
    done = subprocess.run(
        [PROGRAM, *arguments], input=stdin, env=environment(url, **settings), capture_output=True, check=False
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def envelope(**fields: object) -> dict[str, object]:
    """What somebody sends for a new event: ada at the end of the video of class a, unless told otherwise."""
    return {
        "type": "VIDEO_PING",
        "event_id": str(uuid.uuid4()),
        "user_id": "ada",
        "class_id": "a",
        "occurred_at": "2026-11-20T09:30:00Z",
        "payload": {"video_id": "video", "position": 100, "duration": 100},
    } | fields


def ndjson(values: Iterable[object]) -> bytes:
    return b"".join(to_json(value) + b"\n" for value in values)


def derived_at(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All derived tables of the database at `url`."""

    async def read() -> dict[str, list[tuple[Any, ...]]]:
        async with opened(url) as database:
            return await derived(database)

    return asyncio.run(read())


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """What somebody with `sqlite3` or `psql` reads from the database at `url`."""

    async def read() -> list[tuple[Any, ...]]:
        async with opened(url) as database, database.read() as connection:
            return [tuple(row) for row in await connection.execute(text(sql))]

    return asyncio.run(read())
