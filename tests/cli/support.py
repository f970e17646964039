"""The program as a terminal runs it, and lines of events for it to read."""

import asyncio
import io
import os
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, TextIO, TypeVar
from unittest import mock

import pytest
from pydantic_core import to_json

from cli.main import main
from eventstore.db.database import Database
from tests.conftest import opened
from tests.engine.rows import rows
from tests.support.derived import derived

Result = TypeVar("Result")

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
    """Runs `lms-progress` on the database at `url`, within this process: a new one takes most of a second to start."""
    out, err = io.BytesIO(), io.BytesIO()
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, environment(url, **settings), clear=True))
        stack.enter_context(mock.patch.object(sys, "argv", [str(PROGRAM), *map(str, arguments)]))
        stack.enter_context(mock.patch.object(sys, "stdin", stack.enter_context(file_of(stdin))))
        stdout, stderr = io.TextIOWrapper(out, write_through=True), io.TextIOWrapper(err, write_through=True)
        stack.enter_context(redirect_stdout(stdout))
        stack.enter_context(redirect_stderr(stderr))
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(int(ended.value.code or 0), out.getvalue().decode(), err.getvalue().decode())


@contextmanager
def file_of(content: bytes) -> Iterator[TextIO]:
    """A file as stdin is one: text, on top of bytes, on top of what the system numbers."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with io.TextIOWrapper(file) as text_file:
            yield text_file


def run_process(url: str, *arguments: str | Path, stdin: bytes = b"") -> Ended:
    """Runs `lms-progress` as a terminal does."""
    command: list[str | Path] = [PROGRAM, *arguments]
    done = subprocess.run(command, input=stdin, env=environment(url), capture_output=True, check=False)
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
    """Return all derived tables of the database at `url`."""
    return on_database(url, derived)


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows that a SELECT finds in the database at `url`."""
    return on_database(url, lambda database: rows(database, sql))


def on_database(url: str, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Return what `work` returns for the database at `url`, on an event loop of its own, as a command has one."""

    async def done() -> Result:
        async with opened(url) as database:
            return await work(database)

    return asyncio.run(done())
