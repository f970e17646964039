"""lms-progress as its callers meet it: as a process of its own, or inside the test for the many small questions.
Both are asked over HTTP; the process can be stopped, killed and started again on the same database."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from api.app import create_app
from bootstrap.settings import AllSettings
from engine.engine import Engine
from eventstore.times import Clock, system_clock
from tests.support.processes import PATIENCE_SEC, Process, Started, running

LISTENS = "Serving on "
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

T = TypeVar("T")


class Server(Process):
    """A process that serves at `url`. `client` asks it."""

    def __init__(self, process: Started, said: list[str], errors: Path) -> None:
        super().__init__(process, said, errors)
        self.url = said[-1].removeprefix(LISTENS)
        self.client = client_of(self.url)

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


@contextmanager
def serving(database_url: str, *options: str, **settings: str) -> Iterator[Server]:
    """`lms-progress serve` with those options and LMS_… settings, on a free port, while it listens."""
    arguments = ("serve", "--port", "0", *options)
    with running(Server, LISTENS, *arguments, LMS_DATABASE_URL=database_url, **settings) as server, server.client:
        yield server


def client_of(url: str, patience_sec: float = PATIENCE_SEC) -> httpx.Client:
    """A client of a server on this machine. It knows no certificates: they take longer to load than most answers."""
    return httpx.Client(base_url=url, timeout=patience_sec, trust_env=False, verify=NO_TLS)


class Local:
    """The app inside the test. Its loop runs while it is asked something, and stands still in between."""

    def __init__(self, database_url: str, *, dev: bool = True, clock: Clock = system_clock, **settings: Any) -> None:
        self.app = create_app(AllSettings(database_url=database_url, **settings), dev=dev, clock=clock)
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
