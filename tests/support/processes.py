"""lms-progress as its operator meets it: commands that run to their end, and processes that are stopped and killed."""

import os
import signal
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from tests.support.forks import Fork

PROGRAM = Path(sysconfig.get_path("scripts")) / "lms-progress"
PATIENCE_SEC = 180
"""After so long a process is taken for stuck. No test waits for it unless it fails."""

Started = subprocess.Popen[str] | Fork
"""The program as it is installed, or forked off one that has imported it."""


class Process:
    """A process that is at work. `said` is what it printed until it was."""

    def __init__(self, process: Started, said: list[str], errors: Path) -> None:
        self.process = process
        self.said = said
        self._errors = errors

    @property
    def log(self) -> str:
        """What it said on stderr so far."""
        return self._errors.read_text()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> str:
        """Ends it as an operator does, and checks that it ends well. What else it printed."""
        self.process.send_signal(how)
        assert self.process.wait(PATIENCE_SEC) == 0, self.log
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.process.kill()
        self.process.wait()


AnyProcess = TypeVar("AnyProcess", bound=Process)


@contextmanager
def running(kind: type[AnyProcess], begins: str, *arguments: str, **settings: str) -> Iterator[AnyProcess]:
    """`lms-progress` with those arguments and LMS_… settings, once it has printed a line that `begins` so.

    Whoever has not ended it by the end of the block has it stopped there, and checked.
    """
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr"
        process = start(arguments, environment_of(**settings), errors)
        try:
            started = kind(process, lines_until(begins, process, errors), errors)
            yield started
            if process.poll() is None:
                started.stop()
        finally:
            end(process)


def start(arguments: Sequence[str], environment: Mapping[str, str], errors: Path) -> Started:
    """Starts the program as it is installed. What it says on stderr goes into the file `errors`."""
    command: list[str | Path] = [PROGRAM, *arguments]
    with errors.open("w") as stderr:
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)


def consuming(system: str, database_url: str, *options: str, **settings: str) -> AbstractContextManager[Process]:
    """`lms-progress consume SYSTEM` with those options and settings, from when it consumes."""
    arguments = ("consume", system, *options)
    return running(Process, "Consuming from ", *arguments, LMS_DATABASE_URL=database_url, **settings)


def relaying(database_url: str, **settings: str) -> AbstractContextManager[Process]:
    """`lms-progress relay` with those settings, from when it relays."""
    return running(Process, "Relaying", "relay", LMS_DATABASE_URL=database_url, **settings)


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs `lms-progress` with those arguments and LMS_… settings to its end."""
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr"
        process = start(arguments, environment_of(**settings), errors)
        try:
            printed = "".join(lines(process))
            return subprocess.CompletedProcess(arguments, process.wait(PATIENCE_SEC), printed, errors.read_text())
        finally:
            end(process)


def environment_of(**settings: str) -> Mapping[str, str]:
    """This process's environment, but of our settings only those."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LMS_")} | settings


def lines_until(begins: str, process: Started, errors: Path) -> list[str]:
    """What it prints, up to the line that begins so."""
    said: list[str] = []
    with closing(lines(process)) as printed:
        for line in printed:
            said.append(line.strip())
            if line.startswith(begins):
                return said
    raise AssertionError(f"expected a line {begins!r}…, found an end with {process.wait()}:\n{errors.read_text()}")


def lines(process: Started) -> Generator[str, None, None]:
    """What it prints, as it comes. Whoever is stuck is killed."""
    assert process.stdout is not None
    stuck = threading.Timer(PATIENCE_SEC, process.kill)
    stuck.start()
    try:
        yield from iter(process.stdout.readline, "")  # an iterator that is not closed with this one
    finally:
        stuck.cancel()


def end(process: Started) -> None:
    """Kills it, if it still runs, and reads no more of it."""
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
