"""Programs run to their end: how long they took, what they said, and how much memory each of their processes held."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.result import WrongResultError

ROOT = Path(__file__).parent.parent
PROGRAM = Path(sys.executable).with_name("lms-progress")
PEERS = ROOT / "benchmarks/.venv/bin/python"
"""The interpreter for which the peers are installed."""
SAMPLE_SEC = 0.1


class Run(NamedTuple):
    """What came of it. `peaks`: the largest resident memory of each process in MB, the largest first."""

    seconds: float
    output: str
    peaks: tuple[float, ...]


def run(command: Sequence[str | Path], database_url: str = "", stdin: bytes | None = None) -> Run:
    """Runs a program on that database to its end. Raises WrongResult, with what it said, if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(database_url),
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # by which its children are known
    )
    memory = Memory(process.pid)
    try:
        output, errors = process.communicate(stdin)
    finally:
        process.kill()
        seconds = time.perf_counter() - started
        peaks = memory.stop()
    if process.returncode != 0:
        name = " ".join(str(word) for word in command[:3])
        raise WrongResultError(f"{name} ended with {process.returncode}:\n{errors.decode()[-2000:]}")
    return Run(seconds, output.decode(), peaks)


def environment(database_url: str) -> Mapping[str, str]:
    """This process's environment, but of our settings only the database."""
    neutral = {name: value for name, value in os.environ.items() if not name.startswith("LMS_")}
    return neutral | {"LMS_DATABASE_URL": database_url} if database_url else neutral


class Memory:
    """Samples the processes of a session. The kernel keeps each one's peak, so only the last look counts."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._peaks: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> tuple[float, ...]:
        self._over.set()
        self._thread.join()
        return tuple(sorted(self._peaks.values(), reverse=True))

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SEC):
            for pid in family(self._session):
                peak = peak_mb(pid)
                if peak is not None:
                    self._peaks[pid] = peak


def family(session: int) -> list[int]:
    """The processes of a session: what it began with, and all that this started."""
    return [int(pid.name) for pid in Path("/proc").glob("[0-9]*") if session_of(pid) == session]


def session_of(process: Path) -> int | None:
    """The session of a process; None if it is gone."""
    try:
        stat = (process / "stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[3])


def peak_mb(pid: int) -> float | None:
    """The largest resident memory that a process had, in MB; None if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
    return int(line.split()[1]) * 1024 / 1e6 if line else None
