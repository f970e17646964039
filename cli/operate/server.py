"""uvicorn, as `lms-progress serve` runs it in each of its processes."""

import gc
import socket
from collections.abc import Callable

import uvicorn

from api.app import create_app
from bootstrap.settings import Settings

SHUTDOWN_SEC = 10
"""How long requests may take that are under way at the end."""

COLLECT_OBJECTS = 20_000
"""The number of new objects after which the garbage collector runs. The default of 700 would scan the objects of a few
requests several times a batch, and find nothing.
"""


class Server(uvicorn.Server):
    """A uvicorn server that calls `ready` once it answers."""

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
        """Start to answer, then call `ready`."""
        await super().startup(sockets)
        if self.started:
            freeze_gc()
            self._ready()


def freeze_gc() -> None:
    """Exclude all present objects from garbage collection: scanning them would delay every response for 75 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_OBJECTS)
