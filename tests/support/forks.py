"""`lms-progress` forked off a process that has imported it: for tests that start it again and again, most to kill it.

They ask what becomes of the work under way, and importing would take most of their time. That the program starts as it
is installed, and ends well, the tests of the API and of the commands see to.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import connection, get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

BROKERS = ("kafka", "rabbitmq", "redis")
IMPORTED = (
    __name__,
    "cli.main",
    "cli.operate.server",
    "integrations.kafka.ingest_topic",
    *(f"integrations.{broker}.{end}" for broker in BROKERS for end in ("source", "sink")),
    "integrations.zulip.sink",
)
"""What a fork imports: this module, and what those commands do, at once or as they need it."""

STDOUT, STDERR = 1, 2

ONE_AT_A_TIME = threading.Lock()
"""Whoever starts a process reads how others ended, which can be read once."""


class Fork:
    """Such a process, handled as a `subprocess.Popen` is. What it says on stderr goes into the file `errors`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], errors: Path) -> None:
        reads, writes = os.pipe()
        self.stdout = os.fdopen(reads, encoding="utf-8")
        with connection.Connection(writes, readable=False) as out:
            orders = (list(arguments), dict(environment), out, errors)
            self._process = context().Process(target=be_the_program, args=orders)
            with ONE_AT_A_TIME:
                self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Below 0, it is the signal that ended it; None while it runs."""
        with ONE_AT_A_TIME:
            return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises `subprocess.TimeoutExpired` after so many seconds."""
        connection.wait([self._process.sentinel], timeout)
        code = self.returncode
        if code is None:
            raise subprocess.TimeoutExpired("lms-progress", timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def context() -> ForkServerContext:
    """What forks: a process of its own, in which there is no thread. It ends with this one."""
    made = get_context("forkserver")
    made.set_forkserver_preload([*IMPORTED])
    return made


def be_the_program(
    arguments: Sequence[str], environment: Mapping[str, str], out: connection.Connection, errors: Path
) -> None:
    """Goes on as the program does that was started with these arguments, once it has imported what it needs."""
    from cli.main import main

    os.environ.clear()
    os.environ.update(environment)
    os.dup2(out.fileno(), STDOUT)
    out.close()
    with errors.open("w") as stderr:
        os.dup2(stderr.fileno(), STDERR)
    sys.argv = ["lms-progress", *arguments]
    main()
