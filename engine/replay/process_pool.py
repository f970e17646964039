"""Worker processes of a replay: forked where that is safe, as importing takes as long as folding 200,000 events.

Otherwise they are spawned. In both cases they end when their parent ends.
"""

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from types import ModuleType

from eventstore.db import import_driver

NICENESS = 10

GC_ALLOCATIONS = 100_000
"""A chunk makes this many tuples, none of them in a cycle, so a more frequent garbage collection is wasted."""

ENDING = (signal.SIGINT, signal.SIGTERM)
"""The signals by which processes are asked to end."""


@contextmanager
def forked(number: int, url: str) -> Iterator[Executor | None]:
    """Fork worker processes before this one has opened anything. They end with the block.

    The result is None for 0 processes, or where a fork is not safe.
    """
    if not number or not can_fork():
        yield None
        return
    import_driver(url)
    pool = ProcessPoolExecutor(number, mp_context=get_context("fork"), initializer=exit_with_parent)
    try:
        _fork(pool)
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def can_fork() -> bool:
    """Return whether a fork is safe: locks of other threads would stay locked, and libraries of macOS fail."""
    return threading.active_count() == 1 and sys.platform != "darwin"


def _fork(pool: Executor) -> None:
    """Start all processes now, with signals blocked until each has set its handlers."""
    gc.freeze()  # imported objects stay, and a collection that visits them would copy the memory that forks share
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        pool.submit(warm_up, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spawned(number: int, known: Sequence[object]) -> Executor:
    """Spawn processes. They do not import the main module, which they do not need."""
    pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=exit_with_parent)
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        for _ in range(number):
            pool.submit(warm_up, known)
    finally:
        sys.modules["__main__"] = main
    return pool


def warm_up(_known: Sequence[object]) -> None:
    """Do nothing. Unpickling the argument imports the modules that the real work needs."""


def exit_with_parent() -> None:
    """Initialize a worker: lower its priority, ignore Ctrl-C (the parent handles it), and exit when the parent dies."""
    os.nice(NICENESS)
    gc.set_threshold(GC_ALLOCATIONS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    parent = parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
