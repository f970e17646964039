"""Reading request bodies: never more than the limit, and only what they say they are."""

from fastapi import Request
from starlette.requests import ClientDisconnect

from eventstore.errors import FieldError, MalformedBody, TooLarge, UnsupportedMedia

JSON = "application/json"
NDJSON = "application/x-ndjson"


async def read_body(request: Request) -> bytes:
    """The whole body. Raises TooLarge as soon as it is longer than the limit, MalformedBody if it breaks off."""
    limit: int = request.app.state.settings.max_body_bytes
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(f"body: expected at most {limit} bytes, found {declared}")
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"body: expected at most {limit} bytes, found more")
            chunks.append(chunk)
    except ClientDisconnect as error:  # nobody hears the answer, and nothing went wrong here
        raise MalformedBody(FieldError("body", "all of it", "a sender that is gone")) from error
    return b"".join(chunks)


def media_type(request: Request, *known: str) -> str:
    """The body's content type, one of `known`. Raises UnsupportedMedia, naming those."""
    said = request.headers.get("content-type", "")
    essence = said.partition(";")[0].strip().lower()
    if essence not in known:
        raise UnsupportedMedia(f"Content-Type: expected {' or '.join(known)}, found {said or 'none'}")
    return essence
