"""uvicorn, as `lms-progress serve` runs it: it says where to look once it listens."""

import uvicorn

from api.app import create_app
from api.settings import Settings
from cli.console import say

SHUTDOWN_SEC = 10


class Server(uvicorn.Server):
    """uvicorn's server, which says where to look once it listens."""

    def __init__(self, settings: Settings, host: str, port: int, *, dev: bool) -> None:
        app = create_app(settings, dev=dev)
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="uvloop",
                http="httptools",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=SHUTDOWN_SEC,
            )
        )

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Listens, and says so."""
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            where = self.servers[0].sockets[0].getsockname()
            url = f"http://{f'[{where[0]}]' if ':' in where[0] else where[0]}:{where[1]}"
            say(f"Serving on {url}")
            say(f"  API documentation   {url}/docs")
            say(f"  Leaderboard         {url}/v1/leaderboard")
            say(f"  Events by day       {url}/v1/stats/daily")
            say("Ctrl-C ends it.")
