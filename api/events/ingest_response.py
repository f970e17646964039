"""The response to posted events: what became of each, and the status that summarises it."""

from http import HTTPStatus

from fastapi import Response
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from api.errors import FieldProblem, problem
from api.events.body import JSON
from engine.ingest.submission import Receipt
from eventstore.errors import FieldError
from signals.signal import SignalType


class Rejected(BaseModel):
    """A refused event: its index in the request, from 0, and everything that is wrong with it."""

    index: int
    errors: list[FieldProblem]


class SignalOfAnswer(BaseModel):
    """A new signal that followed from the events."""

    type: SignalType
    user_id: str
    class_id: str | None
    course_id: str | None


class Answer(BaseModel):
    """The numbers of accepted and of duplicate events, the refused ones, and the new signals."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "accepted": 1,
                    "duplicates": 0,
                    "rejected": [],
                    "signals": [
                        {"type": "STEP_COMPLETED", "user_id": "ada", "class_id": "intro", "course_id": "python-101"}
                    ],
                }
            ]
        }
    )

    accepted: int
    duplicates: int
    rejected: list[Rejected]
    signals: list[SignalOfAnswer]


def answer(
    receipt: Receipt, rejected: list[tuple[int, list[FieldError]]], well: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Return `success_status` if all events were valid, 207 if some were not, 422 as a problem if none was."""
    said = {
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "rejected": [{"index": index, "errors": [error._asdict() for error in errors]} for index, errors in rejected],
        "signals": [
            {"type": s.type, "user_id": s.user_id, "class_id": s.class_id, "course_id": s.course_id}
            for s in receipt.signals
        ],
    }
    if not rejected:
        return Response(to_json(said), well, media_type=JSON)
    if receipt.accepted or receipt.duplicates:
        return Response(to_json(said), HTTPStatus.MULTI_STATUS, media_type=JSON)
    first = rejected[0][1]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(map(str, first)), first, more=said)
