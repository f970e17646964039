"""Reading request headers one at a time: Starlette first makes an object of them, which costs more than looking."""

from fastapi import Request


def header(request: Request, name: bytes) -> str | None:
    """The value of the first header of that `name` in small letters, as ASGI has them all; None if there is none."""
    for key, value in request.scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None
