"""A private Redis for tests. `scripts/install-system redis` installs its programs."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support import missing_service
from tests.support.private_server import PrivateServer

PROGRAMS = ("redis-server", "redis-cli")
# What Redis acknowledged it has after kill -9, too: else a test could not tell who lost a message.
DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
COMMAND = ("redis-server", "--bind", "127.0.0.1", "--port", "{port0}", "--dir", "{folder}", *DURABLE)


GROUP = "lms-progress"
STREAMS = ("lms_events", "cbt_events")


class RedisServer(PrivateServer):
    """One server. What it was told outlives kill and start."""

    def __init__(self) -> None:
        super().__init__("redis", COMMAND, lambda server: answers(server.port))

    @property
    def url(self) -> str:
        """As LMS_REDIS_URL names it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def cli(self, *arguments: str, said: bytes | None = None) -> str:
        """What redis-cli prints when it is called so, and told `said`. RuntimeError for an error of Redis's."""
        done = subprocess.run(
            ["redis-cli", "-e", "-p", str(self.port), *arguments], input=said, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"redis-cli {' '.join(arguments)} ended with {done.returncode}: {done.stderr!r}")
        return done.stdout.decode(errors="replace").strip()

    def open_entries(self) -> int:
        """How many entries our group has not settled: pending ones, and those it has not read, up to some."""
        return self.pending() + sum(self._unread(stream) for stream in STREAMS)

    def pending(self) -> int:
        """How many entries consumers of our group have in hand."""
        return sum(int(self._group(stream).get("pending", 0)) for stream in STREAMS)

    def dead_letters(self) -> list[dict[str, str]]:
        """The fields of each, in the order of burial. Bytes that are no text are replaced."""
        letters = json.loads(self.cli("--json", "XRANGE", "lms_progress_dead", "-", "+"))
        return [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in letters]

    def _unread(self, stream: str) -> int:
        """Counted, up to some: after a crash Redis does not know its `lag` itself."""
        last_read = self._group(stream).get("last-delivered-id", "0-0")
        return len(json.loads(self.cli("--json", "XRANGE", stream, f"({last_read}", "+", "COUNT", "100")))

    def _group(self, stream: str) -> dict[str, Any]:
        """What Redis tells of our group of a stream; nothing while there is none."""
        if self.cli("EXISTS", stream) == "0":
            return {}
        groups = json.loads(self.cli("--json", "XINFO", "GROUPS", stream))
        return next((group for group in groups if group["name"] == GROUP), {})


@contextmanager
def required_redis() -> Iterator[RedisServer]:
    """A started server, for a fixture: where there is none, its tests skip, unless services are required."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        missing_service(f"no Redis server: found no {' and no '.join(missing)} on PATH")
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def answers(port: int) -> bool:
    """Whether a server there has read what it kept, and answers."""
    done = subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True, check=False)
    return done.stdout == b"PONG\n"
