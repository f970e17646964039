"""The fast path: endpoints that are called without FastAPI's routing, dependencies and middleware.

These take longer than recording an event. The endpoints stay routes, for the documentation and for other methods.
"""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

from api.errors import problem_from

Endpoint = Callable[[Request], Awaitable[Response]]


class App(FastAPI):
    """A FastAPI app that looks in `direct` first: endpoints by method and path, which take only the request."""

    direct: Mapping[tuple[str, str], Endpoint] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.direct.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            return await super().__call__(scope, receive, send)
        scope["app"] = self
        response = await answered(endpoint, Request(scope, receive))
        return await response(scope, receive, send)


async def answered(endpoint: Endpoint, request: Request) -> Response:
    """Return the endpoint's response, and a problem for any error."""
    try:
        return await endpoint(request)
    except Exception as error:  # nothing behind this can respond
        return problem_from(error)
