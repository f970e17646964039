"""RESULTS.md: the table, with when, on what machine, and with which versions it was measured."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.program import PEERS, ROOT
from benchmarks.result import Result
from benchmarks.table import notes, table
from tests.support.postgres import find_binaries

PACKAGES = ("uvicorn", "uvloop", "httptools", "fastapi", "starlette", "pydantic", "sqlalchemy", "aiosqlite", "asyncpg")
PEER_PACKAGES = ("eventsourcing", "protean")


def report(results: Sequence[Result], failures: Sequence[str], seconds: float) -> str:
    """The file, as Markdown."""
    return f"""# Results of `make bench`

{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, in {seconds / 60:.0f} minutes, at commit {commit()}.
What each row does: [README.md](README.md).

{table(results)}

## Besides

{notes(results)}
{"".join(f"- {failure.splitlines()[0]}{chr(10)}" for failure in failures)}
## Machine and versions

- {machine()}
- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {postgresql()}
- {", ".join(f"{name} {version(name)}" for name in PACKAGES)}
- {", ".join(f"{name} {peer_version(name)}" for name in PEER_PACKAGES)}
"""


def commit() -> str:
    """What is checked out, and whether it was changed since."""
    return said("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def machine() -> str:
    """Processor, cores, memory and system."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    processor = models[0] if models else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}"


def postgresql() -> str:
    binaries = find_binaries()
    return said(str(binaries / "postgres"), "--version") if binaries else "no PostgreSQL"


def peer_version(name: str) -> str:
    """The version that is installed for the peers."""
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return said(str(PEERS), "-c", code)


def said(*command: str) -> str:
    """What a command prints; "unknown" if it cannot be run."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
