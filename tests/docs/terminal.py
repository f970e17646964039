"""A terminal that types what a page shows, and hands back what it printed, made comparable.

What differs from one run to the next (instants, keys, tokens, folders, ports) is replaced by its name in both.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.docs.pages import ROOT, Command
from tests.support import missing_service

PATIENCE_SEC = 180
"""After so long something is taken for stuck. No test waits for it unless it fails."""

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
VARYING = {
    rf"(?<= since ){INSTANT}": "INSTANT",
    rf'(?<=_at":"){INSTANT}': "INSTANT",
    r"(?<= )\d{4}-\d\d-\d\d \d\d:\d\d(?=$)": "MINUTE",
    r"\blms_[\w-]{43}": "KEY",
    r"^[0-9a-f]{8}(?=  )": "KEY_ID",
    r"\beyJ[\w-]+\.[\w-]+\.[\w-]+": "TOKEN",
    r"(?<=sqlite:///)/\S+/": "",
    r"(?<=127\.0\.0\.1:)\d+": "PORT",
}


def type_all(commands: Sequence[Command], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each command prints, typed one after the other into one shell."""
    script = ["exec 2>&1"]
    for number, command in enumerate(commands):
        script += [f"printf '\\n@%s@\\n' {number}", command.line]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_SEC,
        check=False,
    )
    return re.split(r"^\n?@\d+@\n", done.stdout, flags=re.MULTILINE)[1:]


def comparable(printed: str) -> str:
    """JSON without its line breaks, lines without the space at their ends, and names for what varies."""
    printed = printed.strip("\n")
    if printed.startswith(("{", "[")):
        value, end = json.JSONDecoder().raw_decode(printed)
        printed = json.dumps(value, separators=(",", ":"), ensure_ascii=False) + printed[end:]
    printed = "\n".join(line.rstrip() for line in printed.splitlines())
    for pattern, name in VARYING.items():
        printed = re.sub(pattern, name, printed, flags=re.MULTILINE)
    return printed


def environment(**more: str) -> dict[str, str]:
    """This process's environment without our settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("LMS_", "PG"))} | more


def needs(*programs: str) -> None:
    """Ends a test whose page uses a program that is not here."""
    for program in programs:
        if shutil.which(program) is None:
            missing_service(f"there is no {program} on PATH")


@contextmanager
def make_run(database_url: str) -> Iterator[list[str]]:
    """What `make run` does once everything is installed, on a free port: the lines it prints until it serves."""
    process = subprocess.Popen(
        [ROOT / "scripts" / "run"],
        env=environment(PORT="0", LMS_DATABASE_URL=database_url),
        stdout=subprocess.PIPE,
        text=True,
    )
    stuck = threading.Timer(PATIENCE_SEC, process.kill)
    stuck.start()
    try:
        yield read_until_served(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SEC) == 0
    finally:
        stuck.cancel()
        process.kill()
        process.communicate()


def read_until_served(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if lines[-1] == "Ctrl-C ends it.":
            return lines
    raise AssertionError(f"scripts/run ended before it served; it printed: {lines}")
