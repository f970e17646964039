"""Whatever the OpenAPI document allows or forbids, asked of a running server: no fault of its own, all documented.

SCHEMATHESIS_EXAMPLES=2000 asks for longer: so many requests an operation, besides those that cover its schema.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import schemathesis
from requests.auth import AuthBase
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from bootstrap.keys import Scope
from bootstrap.tokens import LONGEST, mint
from engine.parking.park import retry_id
from eventstore.envelope import validate
from eventstore.times import system_clock
from integrations.tally.signature import sign
from tests.api.contract import openapi
from tests.api.support import COURSE, TALLY_SECRET, TOKEN_SECRET, accepted, bearer, key, park_event, ping, quiz
from tests.support.serving import Local, Server, serving

pytestmark = pytest.mark.slow

AnyCase = Case[Any]
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "10"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    allow_header_conformance,
]

PARKED = ping(event_id="6f1f0a52-6f9c-4f0e-8d43-0d0cf6b1a001")
RULE = "a_rule_that_is_gone"
KNOWN: Mapping[str, list[str]] = {
    "user_id": ["ada", "alan"],
    "class_id": ["intro", "loops"],
    "course_id": ["python-101"],
    "path.type": ["VIDEO_PING", "QUIZ_SUBMIT"],
    "path.version": ["1.0", "1.1"],
    "path.retry_id": [retry_id("ada", PARKED["event_id"], RULE)],
}
"""What is there, by the parameters that name it: else most requests would be about nothing."""

SLOW = {
    "include-name": "POST /v1/replays",
    "phases": {"coverage": {"enabled": False}},
    "generation": {"max-examples": max(1, EXAMPLES // 5)},
}
"""Each request that is taken starts a process."""

DOCUMENT = schemathesis.openapi.from_dict(
    openapi(),
    config=SchemathesisConfig.from_dict(
        {
            "dictionaries": {name: {"values": values} for name, values in KNOWN.items()},
            "parameters": {name: {"dictionary": name, "probability": 0.5} for name in KNOWN},
            "generation": {
                "max-examples": EXAMPLES,
                "with-security-parameters": False,  # callers come with their own
            },
            "operations": [SLOW],
            "output": {"sanitization": {"enabled": False}, "truncation": {"enabled": False}},
        }
    ),
)


@schemathesis.serializer("application/x-ndjson")
def as_it_is(_: schemathesis.SerializationContext, body: object) -> bytes:
    """NDJSON is documented as text; what is no text is one line of JSON."""
    return (body if isinstance(body, str) else json.dumps(body)).encode(errors="surrogatepass")


class Caller(AuthBase):
    """Sends those headers, and signs what it sends as Tally does."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        assert isinstance(body, bytes)
        request.headers.update({"Tally-Signature": sign(TALLY_SECRET, body), **self._headers})
        return request


class Door(NamedTuple):
    """A server, and those who call there."""

    server: Server
    session: requests.Session
    callers: list[Caller]

    def hold_to_the_document(self, case: AnyCase) -> None:
        """Has every caller send the request, and checks what is answered."""
        for caller in self.callers:
            self.session.auth = caller
            answer = case.call(base_url=self.server.url, session=self.session)
            try:
                case.validate_response(answer, CHECKS)
            except FailureGroup as failures:
                failures.add_note(f"The server's log ends with:\n{self.server.log[-3000:]}")
                raise


@pytest.fixture(scope="module")
def open_door(module_database: str) -> Iterator[Door]:
    """A server in development."""
    live_in(module_database)
    with door(module_database, "--dev", callers=[Caller({})]) as opened:
        yield opened


@pytest.fixture(scope="module")
def guarded_door(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A server in production, with callers of every kind."""
    url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path_factory.mktemp('guarded') / 'lms.db')}"
    keys = live_in(url)
    token = mint(TOKEN_SECRET, "ada", system_clock(), LONGEST)
    kinds = [{}, bearer(token), *keys]
    with door(url, callers=[Caller(kind) for kind in kinds]) as opened:
        yield opened


def live_in(url: str) -> list[dict[str, str]]:
    """Stores something of everything. The headers of a caller with a key of some scopes, and of all."""
    with Local(url) as api:
        accepted(api.put("/v1/courses/python-101", json=COURSE))
        accepted(api.post("/v1/events", json=[PARKED, ping(user_id="alan"), quiz()]))
        park_event(api, validate(PARKED, system_clock(), "api"), RULE)
        return [key(api, *scopes) for scopes in ((Scope.READ, Scope.INGEST), tuple(Scope))]


@contextmanager
def door(url: str, *options: str, callers: list[Caller]) -> Iterator[Door]:
    secrets = {"LMS_TALLY_SIGNING_SECRET": TALLY_SECRET, "LMS_TOKEN_SECRET": TOKEN_SECRET}
    with serving(url, *options, **secrets) as server, requests.Session() as session:
        session.trust_env = False
        yield Door(server, session, callers)


@DOCUMENT.parametrize()
def test_an_open_server_answers_as_documented(case: AnyCase, open_door: Door) -> None:
    open_door.hold_to_the_document(case)


@DOCUMENT.parametrize()
def test_a_guarded_server_answers_each_caller_as_documented(case: AnyCase, guarded_door: Door) -> None:
    guarded_door.hold_to_the_document(case)
