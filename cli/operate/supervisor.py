"""Several processes that serve together: each has the whole app, and sockets that get its share of the connections.

When one dies, its sockets stay: who connects to them waits until another process is there in its place.
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
"""Before a process is started in place of another, twice as long each time that it does not come up."""

ORPHAN_SEC = 30
"""A process whose parent was killed ends by itself; if it has not by then, at once."""

_spawn = get_context("spawn")


class ServerProcesses:
    """The processes of one `serve`. `ready` is called once all of them answer."""

    def __init__(self, settings: Settings, shares: ReusePortSockets, ready: Callable[[], None], *, dev: bool) -> None:
        self._orders = (settings, dev)
        self._shares = shares
        self._ready = ready
        self._processes: dict[int, BaseProcess] = {}

    def run(self) -> None:
        """Serves until Ctrl-C or SIGTERM; a second one does not wait. Raises LmsError unless all of them come up."""
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
        """A process that comes up, and where it says that it has."""
        said, says = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=serve_worker, args=(*self._orders, self._shares[number], says))
        process.start()
        self._processes[number] = process
        says.close()  # so that `said` ends with the process
        return process, said

    def _replace_dead(self) -> None:
        for number, process in [each for each in self._processes.items() if not each[1].is_alive()]:
            echo_err(f"lms-progress: server process {process.pid} {exit_reason(process)}")
            self._start_patiently(number)

    def _start_patiently(self, number: int) -> None:
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
        """Has each write what it accepted, and waits for that."""
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
    """Waits until a process answers. Raises LmsError, with the reason if there is one, when it ends instead."""
    with said:
        try:
            reason = said.recv()
        except EOFError:
            process.join()
            reason = f"expected a server process to come up, found that it {exit_reason(process)}"
    if reason is not None:
        raise LmsError(reason)


def exit_reason(process: BaseProcess) -> str:
    """In words."""
    code = process.exitcode or 0
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def serve_worker(settings: Settings, dev: bool, sockets: list[socket.socket], says: Connection) -> None:  # noqa: FBT001
    """One of the processes: says None when it answers, or the reason why it does not."""
    os.setpgid(0, 0)  # Ctrl-C is for the parent, which passes it on
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
    """Raises LmsError unless there is a database to serve: uvicorn would say so at length."""
    async with open_database(settings):
        pass


def follow_parent() -> None:
    """Ends this process in good order once its parent is gone, however that ended."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_SEC)
        os._exit(1)
