"""RESULTS.md: the table of all rows that are kept, and when, of what commit and with what each was measured."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from benchmarks.kept import Kept, now
from benchmarks.program import PEERS, ROOT
from benchmarks.result import Result
from benchmarks.table import notes, table
from tests.support.postgres import find_binaries

PACKAGES = ("uvicorn", "uvloop", "httptools", "fastapi", "starlette", "pydantic", "sqlalchemy", "aiosqlite", "asyncpg")
PEER_PACKAGES = ("eventsourcing", "protean")


def measured_now(row: str, results: Sequence[Result], failures: Sequence[str]) -> Kept:
    """The row as it was just measured, with all that it was measured with."""
    return Kept(row, now(), commit(), machine(), versions(), results, failures)


def report(rows: Sequence[Kept]) -> str:
    """The file, as Markdown."""
    results = list(chain.from_iterable(row.results for row in rows))
    failures = (failure.splitlines()[0] for row in rows for failure in row.failures)
    return f"""# Results of `make bench`

What each row does: [README.md](README.md). A row is compared with what was measured in the same run.

{table(results)}

## Besides

{notes(results)}
{as_list(failures)}
## Measured

{as_list(f"row {row.row}: {row.at:%Y-%m-%d %H:%M} UTC, at commit {row.commit}" for row in rows)}
## Machine and versions

{as_list(dict.fromkeys(said for row in rows for said in (row.machine, *row.versions)))}"""


def as_list(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def commit() -> str:
    """What is checked out, and whether it was changed since: results that are kept do not count."""
    changed = said("git", "status", "--porcelain", "--", ".", ":!benchmarks/RESULTS.*")
    return said("git", "describe", "--always", "--abbrev=12", "--exclude=*") + ("-dirty" if changed else "")


def machine() -> str:
    """Processor, cores, memory and system."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    processor = models[0] if models else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}"


def versions() -> list[str]:
    """Of the language and the databases, of what the product is made of, and of what it is measured against."""
    return [
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {postgresql()}",
        ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        ", ".join(f"{name} {peer_version(name)}" for name in PEER_PACKAGES),
    ]


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
