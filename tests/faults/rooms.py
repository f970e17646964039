"""Room for a SQLite database that is too small for what comes, and can be made larger while a server is at work."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import missing_service
from tests.support.serving import Server

LIMIT_BYTES = 2_000_000
"""Beyond this size no file of the database may grow."""


class Room:
    """A folder with little room. `says` is how SQLite names the lack of it."""

    says: str

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    def narrow(self, server: Server) -> None:
        """Sees to it that the room is small for that server."""

    def widen(self, server: Server) -> None:
        """Makes room again."""
        raise NotImplementedError


class SizeLimit(Room):
    """Room that the kernel limits for one process: a file that grows too large is an I/O error, as a quota is."""

    says = "disk I/O error"

    def narrow(self, server: Server) -> None:
        self._limit(server, LIMIT_BYTES)

    def widen(self, server: Server) -> None:
        self._limit(server, resource.RLIM_INFINITY)

    def _limit(self, server: Server, size: int) -> None:
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, most))


class SmallFilesystem(Room):
    """A filesystem of its own, in memory."""

    says = "database or disk is full"

    def widen(self, server: Server) -> None:  # noqa: ARG002 - the room is the same for all
        run("mount", "-o", "remount,size=1g", self.folder)


@contextmanager
def small_filesystem(folder: Path, size: str) -> Iterator[SmallFilesystem]:
    """Mounts one of that size at `folder`. Skips the test where that is not permitted, unless services are required."""
    try:
        run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    except (OSError, subprocess.CalledProcessError) as error:
        missing_service(f"no small filesystem can be mounted here: {error}")
    try:
        yield SmallFilesystem(folder, f"{size} filesystem")
    finally:
        run("umount", "--lazy", folder)


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)
