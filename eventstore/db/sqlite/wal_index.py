"""The index of SQLite's WAL:

its blocks are allocated in advance, since SQLite fails if a full disk has no room for one.

The index is the file `…-shm`, which grows by a block whenever the WAL outgrows it.
"""

import subprocess
from contextlib import suppress
from pathlib import Path

BLOCK_BYTES = 32_768
BLOCKS = 4

LOG_PAGES = 16_000
"""The size of the WAL where its index has all blocks; each block is for 4,096 pages, the first for 34 fewer."""

LOG_PAGES_OF_ONE_BLOCK = 4_000
"""The size of the WAL elsewhere: SQLite allocates the first block itself, and does not start without it."""


def pages_of_log(database: str) -> int:
    """Return how many pages the WAL of an open database may have before a commit copies them into the file."""
    index = Path(f"{database}-shm")
    with suppress(OSError, subprocess.CalledProcessError):
        if index.stat().st_size < BLOCKS * BLOCK_BYTES:
            enlarge(index)
        return LOG_PAGES
    return LOG_PAGES_OF_ONE_BLOCK


def enlarge(index: Path) -> None:
    """Allocate all blocks of the index, without changing its content.

    A separate program does it: a process that closes a file loses all its locks on it, and SQLite's are on this file.
    """
    command = ["fallocate", "--length", str(BLOCKS * BLOCK_BYTES), str(index)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 - no input, a file of ours
