"""uvicorn, as `lms-progress serve` runs it, in each of its processes."""

import gc
import socket
from collections.abc import Callable

import uvicorn

from api.app import create_app
from bootstrap.settings import Settings

SHUTDOWN_SEC = 10
"""How long requests that are under way at the end may take."""

COLLECT_OBJECTS = 20_000
"""When so many more objects have come than gone, the collector looks for garbage. By default, 700 are enough: it would
look through what a few requests are made of, several times a batch, and find nothing.
"""


class Server(uvicorn.Server):
    """uvicorn's server. Calls `ready` once it answers."""

    def __init__(self, settings: Settings, ready: Callable[[], None], *, dev: bool) -> None:
        app = create_app(settings, dev=dev)
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http="httptools",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=SHUTDOWN_SEC,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers, and says so."""
        await super().startup(sockets)
        if self.started:
            freeze_gc()
            self._ready()


def freeze_gc() -> None:
    """What is there by now stays: searching it for garbage would hold every answer up, for 75 ms each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_OBJECTS)
