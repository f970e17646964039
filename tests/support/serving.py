"""lms-progress as its callers meet it: as a process of its own, or inside the test for the many small questions.
Both are asked over HTTP; the process can be stopped, killed and started again on the same database."""

import asyncio
import os
import signal
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from api.app import create_app
from api.settings import Settings
from engine.engine import Engine
from eventstore.times import Clock, system_clock

PROGRAM = Path(sysconfig.get_path("scripts")) / "lms-progress"
PATIENCE_SEC = 180
"""After so long a process is taken for stuck. No test waits for it unless it fails."""

LISTENS = "Serving on "

T = TypeVar("T")


class Server:
    """A process that serves at `url`. `client` asks it; `said` is what it printed until it listened."""

    def __init__(self, process: subprocess.Popen[str], said: list[str], errors: Path) -> None:
        self.process = process
        self.said = said
        self.url = said[-1].removeprefix(LISTENS)
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_SEC, trust_env=False)
        self._errors = errors

    @property
    def log(self) -> str:
        """What it said on stderr so far."""
        return self._errors.read_text()

    @property
    def workers(self) -> list[int]:
        """The ids of the processes that it runs to serve, if it was told to run several."""
        found = subprocess.run(
            ["pgrep", "--parent", str(self.process.pid), "--full", "spawn_main"],
            capture_output=True,
            text=True,
            check=False,
        )
        return list(map(int, found.stdout.split()))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> str:
        """Ends it as an operator does, and checks that it ends well. What else it printed."""
        self.process.send_signal(how)
        assert self.process.wait(PATIENCE_SEC) == 0, self.log
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(database_url: str, *options: str, **settings: str) -> Iterator[Server]:
    """`lms-progress serve` with those options and LMS_… settings, on a free port, once it listens.

    Whoever has not ended it by the end of the block has it stopped there, and checked.
    """
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr"
        with errors.open("w") as stderr:
            command: list[str | Path] = [PROGRAM, "serve", "--port", "0", *options]
            environment = environment_of(LMS_DATABASE_URL=database_url, **settings)
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
        try:
            server = Server(process, lines_until_it_listens(process, errors), errors)
            with server.client:
                yield server
            if process.poll() is None:
                server.stop()
        finally:
            process.kill()
            process.communicate()


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs `lms-progress` with those arguments and LMS_… settings to its end."""
    return subprocess.run(
        [PROGRAM, *arguments],
        env=environment_of(**settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SEC,
        check=False,
    )


def environment_of(**settings: str) -> Mapping[str, str]:
    """This process's environment, but of our settings only those."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LMS_")} | settings


def lines_until_it_listens(process: subprocess.Popen[str], errors: Path) -> list[str]:
    """What it prints, up to the line that says where it listens."""
    assert process.stdout is not None
    said: list[str] = []
    stuck = threading.Timer(PATIENCE_SEC, process.kill)
    stuck.start()
    try:
        for line in process.stdout:
            said.append(line.strip())
            if line.startswith(LISTENS):
                return said
    finally:
        stuck.cancel()
    raise AssertionError(f"`lms-progress serve` ended with {process.wait()}:\n{errors.read_text()}")


class Local:
    """The app inside the test. Its loop runs while it is asked something, and stands still in between."""

    def __init__(self, database_url: str, *, dev: bool = True, clock: Clock = system_clock, **settings: Any) -> None:
        self.app = create_app(Settings(database_url=database_url, **settings), dev=dev, clock=clock)
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()

    @property
    def engine(self) -> Engine:
        engine: Engine = self.app.state.engine
        return engine

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.run(self.client.request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)

    def put(self, path: str, **more: Any) -> httpx.Response:
        return self.request("PUT", path, **more)

    def together(self, *requests: Awaitable[T]) -> list[T]:
        """The answers to requests of `client` that are under way at the same time."""

        async def gather() -> list[T]:
            return await asyncio.gather(*requests)

        return self.run(gather())

    def __enter__(self) -> Self:
        self.client = self.run(self._open.enter_async_context(self._opened()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._open.aclose())
        self._runner.close()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app)
        async with (
            self.app.router.lifespan_context(self.app),
            httpx.AsyncClient(transport=transport, base_url="http://local") as client,
        ):
            yield client
