"""Reading one request header: Starlette would first build an object of all headers, which costs more."""

from fastapi import Request


def header(request: Request, name: bytes) -> str | None:
    """Return the first header of that lower-case `name`, or None."""
    for key, value in request.scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None
