"""The limit of a uvicorn process: an app that answers and does nothing."""

from collections.abc import Awaitable, Callable
from typing import Any


async def app(_scope: Any, _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """An empty answer to everything."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
