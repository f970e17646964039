"""POST /v1/webhooks/tally: quiz submissions from Tally's forms, authenticated by their signature."""

import time
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from api.events.body import JSON, read_body
from api.events.ingest_response import Answer, answer
from api.openapi import body_of, responses
from bootstrap.settings import Settings
from engine.ingest.submission import Receipt
from eventstore.errors import ForbiddenError, RequestError, UnauthenticatedError
from integrations.contracts.tally import SOURCE, FormResponse
from integrations.inbound.inbox import Inbox
from integrations.inbound.outcome import Outcome
from integrations.inbound.source import Delivery
from integrations.runtime.metrics import REFUSED, UNREAD, count_error, count_recorded
from integrations.tables import InboxStatus
from integrations.tally.decode import decode
from integrations.tally.signature import verify_signature
from integrations.tally.system import TallySettings

router = APIRouter(tags=["webhooks"])
TALLY_PATH = "/v1/webhooks/tally"


class Parked(BaseModel):
    """The submission is stored, and becomes an event when a course is published that has what is missing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "parked": "response '2wgx4n' to form 'VwbNEw', class_id: expected a hidden field, or one class "
                    "with the quiz 'VwbNEw' in the published courses, found neither"
                }
            ]
        }
    )

    parked: str


@router.post(
    TALLY_PATH,
    summary="Record a quiz submission from Tally",
    response_model=Answer | Parked,
    responses=responses(400, 401, 403, 413, 422, 503),
    openapi_extra=body_of(FormResponse) | {"security": []},
)
async def tally(request: Request) -> Response:
    """Post Tally's FORM_RESPONSE with its header `Tally-Signature`. A repeated `responseId` is a duplicate.

    A submission that cannot be resolved yet is stored and answered 200, so that Tally need not send it again.
    """
    inbox: Inbox = request.app.state.inbox
    body = await read_body(request)
    require_signature(body, request.headers.get("tally-signature"), request.app.state.settings)
    outcome = await process_submission(body, inbox)
    if outcome.status == InboxStatus.PARKED:
        return Response(to_json({"parked": outcome.reason}), HTTPStatus.OK, media_type=JSON)
    return answer(Receipt(int(not outcome.is_repeat), int(outcome.is_repeat), list(outcome.signals)), [])


async def process_submission(body: bytes, inbox: Inbox) -> Outcome:
    """Process a submission, and count its outcome like that of any other system's message."""
    now, taken_at = inbox.engine.clock(), time.monotonic()
    try:
        message = decode(Delivery("", "", body, now), now)
    except RequestError:
        count_error(SOURCE, UNREAD, REFUSED)
        raise
    [outcome] = await inbox.receive([message])
    count_recorded(SOURCE, message.type, outcome.label, time.monotonic() - taken_at)
    return outcome


def require_signature(body: bytes, signature: str | None, settings: Settings) -> None:
    """Raise UnauthenticatedError unless Tally signed the body, and ForbiddenError without a configured secret."""
    secret = settings.of(TallySettings).tally_signing_secret
    if secret is None:
        raise ForbiddenError("expected LMS_TALLY_SIGNING_SECRET to be configured, found none: no submission is taken")
    if signature is None:
        raise UnauthenticatedError("Tally-Signature: expected the body's signature, found none")
    if not verify_signature(secret.get_secret_value(), body, signature):
        raise UnauthenticatedError("Tally-Signature: expected the body's signature under our secret, found another")
