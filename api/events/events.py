"""POST /v1/events receives learners' events. GET returns the audit trail."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Depends, Request, Response

from api.auth import authenticate, require_event_access, requires
from api.events.body import JSON, NDJSON, media_type, read_body
from api.events.ingest_response import Answer, answer
from api.lists import Paged, drop_none, query
from api.openapi import body_of, responses
from bootstrap.keys import Scope
from engine.engine import Engine
from engine.ingest.submission import Receipt
from eventstore.envelope import Envelope, parse, validate
from eventstore.errors import FieldError, InvalidInputError, MalformedBodyError
from eventstore.event import Event
from views import event_list
from views.event_list import EventItem
from views.page import Filter, Page

if TYPE_CHECKING:
    from integrations.kafka.ingest_topic import IngestTopic

router = APIRouter(tags=["events"])
PATH = "/v1/events"


class ParsedBody(NamedTuple):
    """The valid events of a body, and the faults of the others by index."""

    events: list[Event]
    rejected: list[tuple[int, list[FieldError]]]


@router.post(
    PATH,
    summary="Record events",
    response_model=Answer,
    responses=responses(400, 401, 403, 413, 415, 422, 503)
    | {
        202: {"model": Answer, "description": "Kept in Kafka, with LMS_INGEST=kafka; recorded soon after"},
        207: {"model": Answer, "description": "Some events were rejected, the others are recorded"},
    },
    openapi_extra=body_of(Envelope, many=True),
)
async def post_events(request: Request) -> Response:
    """Post one event, a JSON array, or NDJSON. Accepted events are durable and projected before the response.

    A repeated (user_id, event_id) is a duplicate, whatever else it says: repeating a request is harmless.
    """
    engine: Engine = request.app.state.engine
    caller = await authenticate(request)
    require_event_access(caller, [])
    kind = media_type(request, JSON, NDJSON)
    reading = read_events(kind, await read_body(request), engine)
    require_event_access(caller, reading.events)
    front_log: IngestTopic | None = request.app.state.front_log
    if front_log is None:
        return answer(await engine.ingest.submit_many(reading.events), reading.rejected)
    await front_log.append(reading.events)
    return answer(Receipt(len(reading.events), 0, []), reading.rejected, HTTPStatus.ACCEPTED)


def read_events(kind: str, body: bytes, engine: Engine) -> ParsedBody:
    """Return the events of a body. Raise MalformedBodyError if it does not have its format."""
    reading = ParsedBody([], [])
    now = engine.clock()
    for index, posted in posted_values(kind, body):
        try:
            value = parse(posted, where=f"line {index + 1}") if isinstance(posted, bytes) else posted
            reading.events.append(validate(value, now, source="api"))
        except InvalidInputError as error:
            reading.rejected.append((index, error.errors))
        except MalformedBodyError as error:
            reading.rejected.append((index, [error.error]))
    return reading


def posted_values(kind: str, body: bytes) -> Iterator[tuple[int, Any]]:
    """Return each posted value with its index; a line of NDJSON is not parsed yet."""
    if kind == NDJSON:
        return ((index, line) for index, line in enumerate(body.split(b"\n")) if line.strip())
    posted = parse(body)
    return enumerate(posted if isinstance(posted, list) else [posted])


@router.get(
    PATH,
    summary="The audit trail",
    responses=responses(401, 403, 422, 503),
    dependencies=[Depends(requires(Scope.READ))],
)
async def get_events(
    request: Request,
    paged: Paged,
    user_id: Filter = None,
    type: Filter = None,  # noqa: A002 - the contract's name
) -> Page[EventItem]:
    """Return events as they were received, the latest first."""
    filters = drop_none(user_id=user_id, type=type)
    return await query(request, lambda connection: event_list.read(connection, paged.limit, paged.cursor, **filters))
