"""A private PostgreSQL for one test run: its own folder, port and databases, so that runs never meet.
A guard process removes all of it when the run ends, however it ends."""

import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.support import check_servers_allowed, missing_service

DEBIAN = Path("/usr/lib/postgresql")
PROGRAMS = ("initdb", "pg_ctl", "postgres", "psql", "createdb", "dropdb")
# Nothing a crash of the server loses is risked: synchronous_commit stays on. Only the machine must not crash.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
max_connections = 200
"""
# Waits for the end of its input, which is the end of the test run: the kernel closes it even after kill -9.
GUARD = 'cat >/dev/null; "$1/pg_ctl" stop --pgdata="$2/data" --mode=immediate; rm -rf "$2"'


class PostgresMissingError(Exception):
    """There is no PostgreSQL to be had here; the message says why."""


@contextmanager
def postgres_server(settings: str = SETTINGS) -> Iterator["PostgresServer"]:
    """A started server, gone at the end. Raises PostgresMissing, or RuntimeError where it will not start."""
    binaries = find_binaries()
    if binaries is None:
        raise PostgresMissingError(
            f"no PostgreSQL server: found {', '.join(PROGRAMS)} neither on PATH nor in {DEBIAN}/*/bin"
        )
    server = PostgresServer(binaries, _account(), settings)
    try:
        server.initialise()
        yield server
    finally:
        server.remove()


def find_binaries() -> Path | None:
    """The folder with PostgreSQL's programs: the one on PATH, else Debian's newest."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    found += sorted(DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return next((folder for folder in found if all((folder / name).exists() for name in PROGRAMS)), None)


def _account() -> str | None:
    """Whom the server runs as: ourselves, or as root, which PostgreSQL refuses, Debian's account for it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise PostgresMissingError("PostgreSQL refuses to run as root, and there is no user postgres") from None


@contextmanager
def required_postgres() -> Iterator["PostgresServer"]:
    """As `postgres_server`, for a fixture: where there is none, its tests skip, unless services are required."""
    try:
        with postgres_server() as server:
            yield server
    except PostgresMissingError as reason:
        missing_service(str(reason))


class PostgresServer:
    """One server with its folder; it keeps its port over stop and start. Every connection is trusted."""

    def __init__(self, binaries: Path, account: str | None, settings: str) -> None:
        check_servers_allowed()
        self.binaries = binaries
        self.account = account
        self.settings = settings
        self.port = 0
        self.folder = Path(tempfile.mkdtemp(prefix="lms-pg-"))
        if account is not None:
            shutil.chown(self.folder, account)
        self._guard = self._start_guard()

    def initialise(self) -> None:
        """Makes the cluster and starts it on a port that is free."""
        data = self.folder / "data"
        self._run(
            "initdb", f"--pgdata={data}", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(self.settings.format(folder=self.folder))
        self._start_on_free_port()

    def start(self) -> None:
        """Starts the server and returns when it takes connections."""
        log = self.folder / "log"
        try:
            self._control("start", f"--log={log}", f"--options=-p {self.port}")
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{log.read_text() if log.exists() else ''}") from None

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stops the server: fast breaks connections off, immediate is a crash of all its processes."""
        self._control("stop", f"--mode={mode}")

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """The URL of a new database: an empty one, or a copy of the database `template`."""
        name = f"test_{uuid.uuid4().hex}"
        self._client("createdb", f"--template={template}", name)
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drops a database that create_database made, and breaks off whoever is still connected to it."""
        self._client("dropdb", "--force", url.rpartition("/")[2])

    def remove(self) -> None:
        """Stops the server, if it runs, and removes its folder."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()

    def _start_guard(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["sh", "-c", GUARD, "guard", str(self.binaries), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            user=self.account,
            group=self.account,
            start_new_session=True,  # Ctrl-C in the terminal is for pytest, not for the guard
        )

    def _start_on_free_port(self) -> None:
        """Tries ports until one is ours: between the look and the start another run may take it."""
        for attempt in range(10):
            self.port = free_port()
            try:
                self.start()
            except RuntimeError as error:
                if "Address already in use" not in str(error) or attempt == 9:
                    raise
            else:
                return

    def _control(self, command: str, *options: str) -> None:
        self._run("pg_ctl", command, f"--pgdata={self.folder / 'data'}", "--wait", "--timeout=60", *options)

    def _client(self, program: str, *arguments: str) -> None:
        self._run(program, "--host=127.0.0.1", f"--port={self.port}", "--username=postgres", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's programs as the account; RuntimeError with its output if it fails."""
        neutral = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        done = subprocess.run(
            [self.binaries / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self.folder,
            env=neutral | {"LC_ALL": "C.UTF-8"},
            user=self.account,
            group=self.account,
        )
        if done.returncode != 0:
            command = " ".join([program, *arguments])
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}")


def free_port() -> int:
    """A free port, below those the kernel hands out to clients: none takes it while the server is stopped."""
    while True:
        port = random.randrange(20_000, 32_768)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
