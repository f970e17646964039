"""The supervisor of several server processes: each has the whole app, and sockets with its share of the connections.

When one dies, its sockets stay: clients that connect to them wait until another process takes its place.
"""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from bootstrap.composition import open_database
from bootstrap.settings import Settings
from cli.console import echo_err, sigterm_as_ctrl_c
from cli.operate.listening import ReusePortSockets
from eventstore.errors import LmsError
from integrations.runtime.metrics import share_counters

SHORTEST_PAUSE_SEC = 0.1
LONGEST_PAUSE_SEC = 30.0
"""The longest pause before a process is started again. It doubles each time that the process does not come up."""

ORPHAN_SEC = 30
"""A process whose parent was killed ends in good order within this time, or at once after it."""

_spawn = get_context("spawn")


class ServerProcesses:
    """The processes of one `serve`. `ready` is called once all of them answer."""

    def __init__(self, settings: Settings, shares: ReusePortSockets, ready: Callable[[], None], *, dev: bool) -> None:
        self._orders = (settings, dev)
        self._shares = shares
        self._ready = ready
        self._processes: dict[int, BaseProcess] = {}

    def run(self) -> None:
        """Serve until Ctrl-C or SIGTERM; a second one does not wait. Raise LmsError unless all processes come up."""
        with share_counters(), closing(self._shares):
            self._serve()

    def _serve(self) -> None:
        try:
            coming_up = [self._start(number) for number in range(len(self._shares))]
            for process, said in coming_up:
                await_ready(process, said)
            self._ready()
            while True:
                wait([process.sentinel for process in self._processes.values()])
                self._replace_dead()
        finally:
            self._end()

    def _start(self, number: int) -> tuple[BaseProcess, Connection]:
        """Start a process. Return it, and the connection by which it reports that it is up."""
        said, says = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=serve_worker, args=(*self._orders, self._shares[number], says))
        process.start()
        self._processes[number] = process
        says.close()  # so that `said` ends with the process
        return process, said

    def _replace_dead(self) -> None:
        for number, process in [each for each in self._processes.items() if not each[1].is_alive()]:
            echo_err(f"lms-progress: server process {process.pid} {exit_reason(process)}")
            self._start_with_retry(number)

    def _start_with_retry(self, number: int) -> None:
        pause = SHORTEST_PAUSE_SEC
        while True:
            time.sleep(pause)
            try:
                process, said = self._start(number)  # its sockets, if they were left, may not be had again at once
                await_ready(process, said)
            except LmsError as error:
                self._shares.leave(number)
                pause = min(2 * pause, LONGEST_PAUSE_SEC)
                echo_err(f"lms-progress: {error}; tried again in {pause:.0f} s")
            else:
                return echo_err(f"lms-progress: server process {process.pid} serves in its place")

    def _end(self) -> None:
        """Let each process write what it accepted, and wait for that."""
        try:
            for process in self._processes.values():
                process.terminate()
            for process in self._processes.values():
                process.join()
        except KeyboardInterrupt:
            for process in self._processes.values():
                process.kill()
            raise


def await_ready(process: BaseProcess, said: Connection) -> None:
    """Wait until a process answers. Raise LmsError with the reason if it ends instead."""
    with said:
        try:
            reason = said.recv()
        except EOFError:
            process.join()
            reason = f"expected a server process to come up, found that it {exit_reason(process)}"
    if reason is not None:
        raise LmsError(reason)


def exit_reason(process: BaseProcess) -> str:
    """Return why a process ended."""
    code = process.exitcode or 0
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def serve_worker(settings: Settings, dev: bool, sockets: list[socket.socket], says: Connection) -> None:  # noqa: FBT001
    """Run one of the processes: report None when it answers, or the reason why it does not."""
    os.setpgid(0, 0)  # the parent gets Ctrl-C, and passes it on
    threading.Thread(target=follow_parent, daemon=True).start()
    from cli.operate.server import Server

    with suppress(KeyboardInterrupt), sigterm_as_ctrl_c():
        try:
            asyncio.run(check(settings))
        except LmsError as error:
            says.send(str(error))
        else:
            Server(settings, lambda: says.send(None), dev=dev).run(sockets)


async def check(settings: Settings) -> None:
    """Raise LmsError unless there is a database to serve; uvicorn would print a traceback."""
    async with open_database(settings):
        pass


def follow_parent() -> None:
    """End this process in good order once its parent is gone, however that ended."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_SEC)
        os._exit(1)
