"""The OpenAPI document: what it shows can be tried, and what it names is there. See also tests/api/contract.py."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from engine.replay.store import ReplayRequest, start
from integrations import asyncapi
from tests.api.contract import Json, hold_to_contract, openapi, operations, validate
from tests.api.support import NOW, TALLY_SECRET, accepted, key, tally
from tests.support.serving import Local

BODIES = [
    (method, path, content_type, content["example"], content["schema"])
    for (method, path), operation in operations().items()
    for content_type, content in operation.get("requestBody", {"content": {}})["content"].items()
]
EXAMPLES = [
    (name, example)
    for name, schema in openapi()["components"]["schemas"].items()
    for example in schema.get("examples", ())
]
VALUES = {
    "retry_id": "00000000-0000-4000-8000-000000000000",
    "replay_id": "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11",
    "course_id": "python-101",
    "user_id": "ada",
    "type": "VIDEO_PING",
    "version": "1.0",
}


def request_of(content_type: str, example: Any) -> dict[str, Any]:
    if isinstance(example, str):
        return {"content": example, "headers": {"Content-Type": content_type}}
    return tally(example)  # a signature is in nobody's way elsewhere


def test_every_body_has_an_example() -> None:
    bodiless = ("/v1/retries/{retry_id}/retry", "/v1/inbox/retry", "/v1/notifications/retry", "/v1/mentors/clear")
    without = {("POST", path) for path in bodiless}
    with_body = {(method, path) for method, path in operations() if method in ("POST", "PUT", "PATCH")} - without
    assert {(method, path) for method, path, *_ in BODIES} == with_body


@pytest.mark.parametrize(("method", "path", "content_type", "example", "schema"), BODIES)
def test_the_example_of_a_body_is_valid_and_does_what_it_shows(
    new_sqlite: Callable[[], str], method: str, path: str, content_type: str, example: Any, schema: Json
) -> None:
    with Local(new_sqlite(), tally_signing_secret=TALLY_SECRET, notify_mentors_enabled=True) as api:
        status = {"/v1/replays": 202, "/v1/subscriptions": 201}.get(path, 200)
        answer = accepted(api.request(method, path.format(**VALUES), **request_of(content_type, example)), status)
    validate(example, schema)
    assert answer.get("accepted", 1) == 1


def test_many_events_are_as_good_as_one(new_sqlite: Callable[[], str]) -> None:
    [(example, schema)] = [body[3:] for body in BODIES if body[1:3] == ("/v1/events", "application/json")]
    validate([example, example], schema)
    with Local(new_sqlite()) as api:
        assert accepted(api.post("/v1/events", json=[example, example]))["duplicates"] == 1


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=lambda value: value if isinstance(value, str) else "")
def test_an_example_is_as_its_schema_says(name: str, example: Any) -> None:
    validate(example, {"$ref": f"#/components/schemas/{name}"})


def test_every_path_that_is_documented_answers_as_documented(lived_in: Local) -> None:
    lived_in.run(start(lived_in.engine.database, VALUES["replay_id"], ReplayRequest(), NOW))
    for (method, path), operation in operations().items():
        if method == "GET":
            answer = accepted(lived_in.get(path.format(**VALUES)))
            assert answer, operation["summary"]


def test_every_answer_is_a_schema_that_says_something() -> None:
    for operation in operations().values():
        for status, response in operation["responses"].items():
            [(content_type, content)] = response["content"].items()
            assert content_type == ("application/json" if int(status) < 400 else "application/problem+json")
            Draft202012Validator.check_schema(content["schema"])
            assert content["schema"] != {}


def test_every_operation_says_what_it_is_for() -> None:
    for operation in operations().values():
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]


def test_who_may_call_is_documented() -> None:
    public = {path for (_, path), operation in operations().items() if operation.get("security") == []}
    assert public == {"/healthz", "/readyz", "/asyncapi", "/v1/schemas/{type}/{version}", "/v1/webhooks/tally"}
    assert openapi()["security"] == [{"bearer": []}]
    for (_, path), operation in operations().items():
        guarded = path not in public
        assert guarded <= ({"401", "403"} <= operation["responses"].keys())


def test_the_document_is_served_to_all(guarded: Local) -> None:
    assert guarded.get("/openapi.json").json() == guarded.app.openapi()


@pytest.mark.filterwarnings("ignore:open_binary is deprecated")  # how fastapi_swagger reads its files
def test_the_pages_of_the_documentation_come_from_here(guarded: Local) -> None:
    page = guarded.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    loaded = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(loaded) >= 2
    for url in loaded:
        assert httpx.URL(url).host == "local"
        assert guarded.get(url).status_code == 200


def test_the_schema_of_a_payload_is_served(guarded: Local) -> None:
    schema = accepted(guarded.get("/v1/schemas/VIDEO_PING/1.1"))
    assert schema["title"] == "VIDEO_PING 1.1"
    for example in schema["examples"]:
        assert list(Draft202012Validator(schema).iter_errors(example)) == []


def test_the_document_of_what_is_exchanged_with_other_systems_is_served_to_all(guarded: Local) -> None:
    assert accepted(guarded.get("/asyncapi")) == asyncapi.document()


@pytest.mark.parametrize("path", ["PING/1.0", "VIDEO_PING/9.0", "VIDEO_PING/1", "VIDEO_PING/..", "%00/1.0"])
def test_a_schema_that_there_is_not_is_404(guarded: Local, path: str) -> None:
    response = guarded.get(f"/v1/schemas/{path}", headers=key(guarded))
    hold_to_contract(response)
    assert response.status_code == 404
