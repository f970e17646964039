"""Endpoints that are called directly, past FastAPI's routing, dependencies and middleware.

Those take longer than recording an event. They stay routes all the same: for the documentation, and for other methods.
"""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

from api.errors import problem_from

Endpoint = Callable[[Request], Awaitable[Response]]


class App(FastAPI):
    """FastAPI that looks into `direct` first: endpoints by method and path, which take nothing but the request."""

    direct: Mapping[tuple[str, str], Endpoint] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.direct.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            return await super().__call__(scope, receive, send)
        scope["app"] = self
        response = await answered(endpoint, Request(scope, receive))
        return await response(scope, receive, send)


async def answered(endpoint: Endpoint, request: Request) -> Response:
    """The endpoint's answer; whatever it raises, as a problem."""
    try:
        return await endpoint(request)
    except Exception as error:  # the last who can answer it
        return problem_from(error)
