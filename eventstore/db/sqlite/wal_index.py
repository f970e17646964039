"""Room for the index of SQLite's log, taken before it is needed: a full disk gives none, and SQLite cannot go on then.

The index lies in the file `…-shm`, which SQLite makes larger a block at a time, whenever the log outgrows it.
"""

import subprocess
from contextlib import suppress
from pathlib import Path

BLOCK_BYTES = 32_768
BLOCKS = 4

LOG_PAGES = 16_000
"""How long the log grows where its index has so many blocks; each is for 4,096 pages, the first for 34 fewer."""

LOG_PAGES_OF_ONE_BLOCK = 4_000
"""How long elsewhere: SQLite takes the first block itself, and starts on no disk that has not even that."""


def pages_of_log(database: str) -> int:
    """How many pages the log of an open database may have before a commit copies them into the file."""
    index = Path(f"{database}-shm")
    with suppress(OSError, subprocess.CalledProcessError):
        if index.stat().st_size < BLOCKS * BLOCK_BYTES:
            enlarge(index)
        return LOG_PAGES
    return LOG_PAGES_OF_ONE_BLOCK


def enlarge(index: Path) -> None:
    """Gives the index all its blocks, and leaves what is in it.

    By a program of its own: a process that closes a file gives up all its locks on it, and SQLite's are on this one.
    """
    command = ["fallocate", "--length", str(BLOCKS * BLOCK_BYTES), str(index)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 - no input, a file of ours
