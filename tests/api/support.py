"""What tests of the API are told in: bodies as callers post them, and what to hold an answer to."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx
from sqlalchemy import select

from api.errors import Problem
from bootstrap.keys import Scope, create
from engine.parking.park import park
from eventstore.event import Event
from eventstore.tables import metadata
from integrations.tally.signature import sign
from projections.fold import RuleFailure
from tests.api.contract import hold_to_contract
from tests.support.serving import Local

NOW = datetime(2026, 12, 2, 12, tzinfo=UTC)
"""A Wednesday."""

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
TOKEN_SECRET = "a secret for learners' tokens: long enough for HS512, which we do not take"
TALLY_SECRET = "tally's signing secret"
MAX_BODY_BYTES = 100_000

Json = dict[str, Any]

COURSE: Json = {
    "title": "Python from the beginning",
    "steps": [
        {"class_id": "intro", "title": "Welcome", "video_id": "intro-video"},
        {
            "class_id": "loops",
            "title": "Doing it again",
            "video_id": "loops-video",
            "quiz_id": "loops-quiz",
            "max_score": 10,
            "pass_score": 6,
        },
    ],
}


def ping(position: object = 290, duration: object = 300, **more: object) -> Json:
    """A VIDEO_PING of ada in the class intro: almost at the end, unless told otherwise."""
    payload = {"video_id": "intro-video", "position": position, "duration": duration}
    return {"type": "VIDEO_PING", "user_id": "ada", "class_id": "intro", "payload": payload, **more}


def quiz(score: object = 8, passed: object = True, **more: object) -> Json:
    """A QUIZ_SUBMIT of ada in the class loops: 8 of 10 points and passed, unless told otherwise."""
    payload = {"quiz_id": "loops-quiz", "score": score, "max_score": 10, "passed": passed}
    return {"type": "QUIZ_SUBMIT", "user_id": "ada", "class_id": "loops", "payload": payload, **more}


def ndjson(*values: object) -> bytes:
    """One line a value."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def tally(body: Json | bytes, secret: str = TALLY_SECRET) -> dict[str, Any]:
    """The request by which Tally delivers a body, signed."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return {"content": content, "headers": JSON | {"Tally-Signature": sign(secret, content)}}


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """A body of unknown length."""
    for part in parts:
        yield part


def bearer(credentials: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credentials}"}


def key(api: Local, *scopes: Scope) -> dict[str, str]:
    """The headers of a caller with a new key of these scopes."""

    async def make() -> str:
        async with api.engine.database.write() as connection:
            return await create(connection, "test", scopes, api.engine.clock())

    return bearer(api.run(make()))


def contents(api: Local) -> dict[str, list[str]]:
    """All that is stored, every table of it."""

    async def read() -> dict[str, list[str]]:
        async with api.engine.database.read() as connection:
            return {
                table.name: sorted(repr(row) for row in await connection.execute(select(table)))
                for table in metadata.sorted_tables
            }

    return api.run(read())


def accepted(response: httpx.Response, status: int = 200) -> Json:
    """The answer's JSON, once its status is checked, and that it is what is documented."""
    assert response.status_code == status, response.text
    hold_to_contract(response)
    answer: Json = response.json()
    return answer


def problem(response: httpx.Response, status: int, says: str) -> Json:
    """The problem that was answered, once its whole shape is checked, and that its detail says so."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    hold_to_contract(response)
    body: Json = response.json()
    known = Problem.model_validate(body, strict=True)
    assert (known.type, known.title, known.status) == ("about:blank", HTTPStatus(status).phrase, status)
    assert says in known.detail
    assert all(error.where and error.expected and error.found for error in known.errors)
    if "errors" in body:
        joined = [f"{error.where}: expected {error.expected}, found {error.found}" for error in known.errors]
        assert known.detail == "; ".join(joined)
    assert ("WWW-Authenticate" in response.headers) == (status == HTTPStatus.UNAUTHORIZED)
    return body


EVENT_ID = "6f1f0a52-6f9c-4f0e-8d43-0d0cf6b1a001"


def park_event(api: Local, event: Event, rule: str) -> None:
    async def write() -> None:
        async with api.engine.database.write() as connection:
            try:
                raise ArithmeticError("cannot take it")
            except ArithmeticError as error:
                await park(connection, [RuleFailure(event, rule, error)], NOW)

    api.run(write())
