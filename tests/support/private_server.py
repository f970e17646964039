"""A server of a test run's own: its folder, its ports, its process; a guard removes all of it however the run ends."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support import check_servers_allowed
from tests.support.postgres import free_port

START_SEC = 60.0
LOOK_EVERY_SEC = 0.05
# Waits for the end of its input, which is the end of the test run: the kernel closes it even after kill -9.
GUARD = 'cat >/dev/null; test -s "$1/pid" && kill -s KILL -- "-$(cat "$1/pid")" 2>/dev/null; sleep 0.2; rm -rf "$1"'


class PrivateServer:
    """A program that serves, in a session of its own. It keeps its folder and its ports over kill and start.

    `command` and `environment` may name `{folder}` and `{port0}`, `{port1}`, …; `is_up` tells whether it serves.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        is_up: Callable[["PrivateServer"], bool],
        ports: int = 1,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        check_servers_allowed()
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"lms-{name}-"))
        self.ports = [free_port() for _ in range(ports)]
        self._command = [self.filled(part) for part in command]
        self._environment = {key: self.filled(value) for key, value in (environment or {}).items()}
        self._is_up = is_up
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(
            ["sh", "-c", GUARD, "guard", str(self.folder)], stdin=subprocess.PIPE, cwd="/", start_new_session=True
        )

    @property
    def port(self) -> int:
        return self.ports[0]

    def filled(self, text: str) -> str:
        """`text` with the folder and the ports put in."""
        return text.format(folder=self.folder, **{f"port{number}": port for number, port in enumerate(self.ports)})

    def start(self) -> None:
        """Starts it, and returns when it serves. RuntimeError with its log if it ends, or takes a minute."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=os.environ | self._environment,
                start_new_session=True,
            )
        (self.folder / "pid").write_text(str(self._process.pid))
        until = time.monotonic() + START_SEC
        while not self._is_up(self):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text(errors='replace')}")
            time.sleep(LOOK_EVERY_SEC)

    def kill(self) -> None:
        """kill -9 of the server and all that it started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Kills it and removes its folder."""
        self.kill()
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        self._guard.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def takes_connections(server: PrivateServer) -> bool:
    """Whether somebody listens at its first port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) == 0
