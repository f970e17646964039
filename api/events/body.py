"""Reading request bodies, never more than the limit, and only of the content type that the endpoint takes."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.headers import header
from eventstore.envelope import parse
from eventstore.errors import (
    BodyTooLargeError,
    FieldError,
    InvalidInputError,
    MalformedBodyError,
    UnsupportedMediaTypeError,
    field_errors,
)

JSON = "application/json"
NDJSON = "application/x-ndjson"

Body = TypeVar("Body", bound=BaseModel)


async def read_model(request: Request, model: type[Body]) -> Body:
    """Return the JSON body as `model`. Raise InvalidInputError with everything that is wrong, and like `read_body`."""
    media_type(request, JSON)
    posted = parse(await read_body(request))
    try:
        return model.model_validate(posted)
    except ValidationError as error:
        raise InvalidInputError(field_errors(error)) from error


async def read_body(request: Request) -> bytes:
    """Return the whole body. Raise BodyTooLargeError beyond the limit, MalformedBodyError if it breaks off."""
    limit: int = request.app.state.settings.max_body_bytes
    declared = header(request, b"content-length") or "0"
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLargeError(f"body: expected at most {limit} bytes, found {declared}")
    chunks, size, more = [], 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":  # the client is gone, and nothing went wrong here
            raise MalformedBodyError(FieldError("body", "all of it", "a sender that is gone"))
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise BodyTooLargeError(f"body: expected at most {limit} bytes, found more")
        more = message.get("more_body", False)
    return b"".join(chunks)


def media_type(request: Request, *known: str) -> str:
    """Return the body's content type, one of `known`. Raise UnsupportedMediaTypeError with these."""
    said = header(request, b"content-type") or ""
    essence = said.partition(";")[0].strip().lower()
    if essence not in known:
        raise UnsupportedMediaTypeError(f"Content-Type: expected {' or '.join(known)}, found {said or 'none'}")
    return essence
