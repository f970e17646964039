"""HTTP methods: HEAD wherever there is GET, and the header Allow with all methods of a path.

A route knows only its own method; several can share a path.
"""

from fastapi import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


class HeadAsGet:
    """Responds to HEAD as to GET, without the body. Routes and their documentation stay as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)

        async def send_bodiless(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        return await self._app({**scope, "method": "GET"}, receive, send_bodiless)


def allowed(request: Request) -> str:
    """Return the methods of the request's path for the header `Allow`; "" if there is no such path."""
    taken = [method for method in METHODS if accepts(request, method)]
    return ", ".join(sorted(taken + ["HEAD"] * ("GET" in taken)))


def accepts(request: Request, method: str) -> bool:
    return any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
