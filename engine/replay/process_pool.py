"""Processes for a replay: forked where that is safe, since importing takes as long as folding 200,000 events.

Else they are started anew. Either way they go when the one that started them does.
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
"""A piece makes as many tuples as that, none of them in a cycle, so looking for cycles more often is in vain."""

ENDING = (signal.SIGINT, signal.SIGTERM)
"""By which processes are asked to end."""


@contextmanager
def forked(number: int, url: str) -> Iterator[Executor | None]:
    """So many processes, forked off this one before it has opened anything. They end with the block.

    None for 0, or where a fork would not be safe.
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
    """Locks of other threads would stay taken in a fork; and libraries of macOS do not work there."""
    return threading.active_count() == 1 and sys.platform != "darwin"


def _fork(pool: Executor) -> None:
    """Has all its processes start now, none of which is told to end before it knows what to do then."""
    gc.freeze()  # what was imported stays, and to look at it would copy what the forks share
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        pool.submit(warm_up, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spawned(number: int, known: Sequence[object]) -> Executor:
    """So many, started anew. They need nothing of the main module, all of which each would else import first."""
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
    """Nothing is left to do: as it was told of the work, this process has imported all that it needs for it."""


def exit_with_parent() -> None:
    """Servers go first. Ctrl-C is for the parent; and whoever kills the parent alone, kills this process, too."""
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
