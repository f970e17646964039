"""Processes that a replay is given: forked, unless a fork could wait for ever for a thread that it does not have."""

import os
import threading
from concurrent.futures import Executor
from multiprocessing import get_context
from multiprocessing.connection import Connection

import pytest

from engine.replay.process_pool import forked

URL = "sqlite:///any"


def test_a_process_without_threads_is_forked() -> None:
    """Asked in a process of its own, since those of tests have threads."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=tell_parents, args=(there,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert here.recv() == [process.pid] * 2


def tell_parents(pipe: Connection) -> None:
    """Whose children two pieces of work were done by."""
    with forked(2, URL) as crew:
        assert crew is not None
        pipe.send([crew.submit(os.getppid).result() for _ in range(2)])


@pytest.mark.parametrize("number", [0, 2])
def test_one_with_threads_is_not_nor_where_no_processes_are_wanted(number: int) -> None:
    def try_to() -> None:
        with forked(number, URL) as crew:
            found.append(crew)

    found: list[Executor | None] = []
    thread = threading.Thread(target=try_to)
    thread.start()
    thread.join()
    assert found == [None]
