"""What POST /v1/events refuses: each fault gets its 4xx, which says where it is, and nothing is stored."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.api.support import JSON, MAX_BODY_BYTES, NDJSON, chunks, contents, ndjson, ping, problem, quiz
from tests.support.serving import Local

Request = Mapping[str, Any]


def raw(text: str | bytes) -> Request:
    """A body of exactly this text, said to be JSON."""
    return {"content": text if isinstance(text, bytes) else text.encode(), "headers": JSON}


def number(literal: str) -> Request:
    """A ping whose position is written like this."""
    return raw(json.dumps(ping(position="HERE")).replace('"HERE"', literal))


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def payload(**fields: object) -> Request:
    """A ping with other fields in its payload."""
    return {"json": ping() | {"payload": ping()["payload"] | fields}}


MALFORMED: Mapping[str, tuple[Request, str]] = {
    "broken JSON": (raw('{"type": "VIDEO_PING",'), "body: expected JSON, found EOF"),
    "two values": (raw("{} {}"), "body: expected JSON, found trailing characters"),
    "no JSON at all": (raw("type=VIDEO_PING"), "body: expected JSON, found"),
    "an empty body": (raw(""), "body: expected JSON, found EOF"),
    "NaN": (number("NaN"), "body: expected JSON, found"),
    "Infinity": (number("Infinity"), "body: expected JSON, found"),
    "-Infinity": (number("-Infinity"), "body: expected JSON, found"),
    "a number of 5,000 digits": (number("9" * 5000), "number out of range"),
    "nested too deep": (raw(nested(5000)), "body: expected JSON, found recursion limit"),
    "a payload nested too deep": (number(nested(300)), "body: expected JSON, found recursion limit"),
    "invalid UTF-8": (raw(b'{"type": "\xff\xfe"}'), "body: expected JSON, found"),
    "a lone surrogate": (number(r'"\ud800"'), "body: expected JSON, found"),
    "a control character in a text": (number('"\x00"'), "body: expected JSON, found control character"),
}

INVALID: Mapping[str, tuple[Request, str]] = {
    "a number": (raw("3"), "the value: expected an object, found 3"),
    "null": (raw("null"), "the value: expected an object, found None"),
    "an array of arrays": (raw("[[]]"), "the value: expected an object, found []"),
    "an empty object": (raw("{}"), "type: expected a value, found nothing; user_id: expected a value"),
    "an unknown type": ({"json": ping(type="PING")}, "type: expected VIDEO_PING or QUIZ_SUBMIT, found 'PING'"),
    "a type that is a number": ({"json": ping(type=3)}, "type: expected a valid string, found 3"),
    "an unknown major version": ({"json": ping(version="2.0")}, "that is known here (1.0, 1.1), found 2.0"),
    "a major version of the past": ({"json": ping(version="0.9")}, "that is known here (1.0, 1.1), found 0.9"),
    "a version without minor": ({"json": ping(version="1")}, "version: expected text that matches"),
    "a version with a newline": ({"json": ping(version="1.0\n")}, "version: expected text that matches"),
    "a version of three parts": ({"json": ping(version="1.0.0")}, "version: expected text that matches"),
    "a version that is a number": ({"json": ping(version=1.0)}, "version: expected a valid string, found 1.0"),
    "a version in other digits": ({"json": ping(version="\u0661.\u0660")}, "version: expected text that matches"),
    "an event_id that is no UUID": ({"json": ping(event_id="ping-1")}, "event_id: expected a valid UUID"),
    "an event_id that is a number": ({"json": ping(event_id=1)}, "event_id: expected text, found 1"),
    "no user_id": ({"json": ping(user_id=None)}, "user_id: expected a valid string, found None"),
    "a user_id that is a number": ({"json": ping(user_id=7)}, "user_id: expected a valid string, found 7"),
    "an empty user_id": ({"json": ping(user_id="")}, "user_id: expected at least 1 character, found ''"),
    "a user_id with NUL": ({"json": ping(user_id="a\x00")}, r"user_id: expected text that matches"),
    "a user_id with a newline": ({"json": ping(user_id="ada\n")}, r"user_id: expected text that matches"),
    "a user_id that is too long": ({"json": ping(user_id="a" * 256)}, "user_id: expected at most 255 characters"),
    "an empty class_id": ({"json": ping(class_id="")}, "class_id: expected at least 1 character, found ''"),
    "a class_id with a tab": ({"json": ping(class_id="a\tb")}, "class_id: expected text that matches"),
    "an empty course_id": ({"json": ping(course_id="")}, "course_id: expected at least 1 character, found ''"),
    "a correlation_id with DEL": ({"json": ping(correlation_id="\x7f")}, "correlation_id: expected text that"),
    "a time without offset": ({"json": ping(occurred_at="2026-12-01T12:00:00")}, "such as Z or +02:00, found '2026"),
    "a day": ({"json": ping(occurred_at="2026-12-01")}, "occurred_at: expected a time with its offset"),
    "a time that is a number": ({"json": ping(occurred_at=1764590400)}, "occurred_at: expected text, found 1764590400"),
    "a time that is none": ({"json": ping(occurred_at="soon")}, "occurred_at: expected a valid datetime"),
    "a time in the future": (
        {"json": ping(occurred_at="2026-12-02T12:05:00.000001Z")},
        "occurred_at: expected a time at most 5 minutes after the server's 2026-12-02T12:00:00+00:00, found '2026",
    ),
    "a time before the calendar": (
        {"json": ping(occurred_at="0001-01-01T00:00:00+23:00")},
        "occurred_at: expected a time within the years 1 to 9999",
    ),
    "no payload": ({"json": ping(payload=None)}, "payload: expected an object, found None"),
    "a payload that is a list": ({"json": ping(payload=[])}, "payload: expected an object, found []"),
    "no position": (payload(position=None), "payload.position: expected a valid number, found None"),
    "a position in words": (payload(position="10"), "payload.position: expected a valid number, found '10'"),
    "a position that is true": (payload(position=True), "payload.position: expected a valid number, found True"),
    "a negative position": (payload(position=-1), "payload.position: expected greater than or equal to 0, found -1"),
    "a position beyond duration": (payload(position=301.5), "a position of at most duration + 1 s (here 300 + 1 s)"),
    "a position beyond any": (number("1e999"), "payload.position: expected a finite number, found inf"),
    "a position beyond any column": (payload(position=1e12, duration=1e12), "payload.position: expected less than"),
    "a number beyond any elsewhere": (
        raw(json.dumps(payload(more="HERE")["json"]).replace('"HERE"', "1e999")),
        "payload: expected finite numbers, found one that is too large",
    ),
    "no duration": (payload(duration=0), "payload.duration: expected greater than 0, found 0"),
    "an empty video_id": (payload(video_id=""), "payload.video_id: expected at least 1 character"),
    "half a segment": (
        {"json": payload(played_segments=[[1]])["json"] | {"version": "1.1"}},
        "payload.played_segments.0: expected at least 2 items",
    ),
    "a score above max_score": ({"json": quiz(score=11)}, "a score of at most max_score (10), not 11"),
    "a negative score": ({"json": quiz(score=-1)}, "payload.score: expected greater than or equal to 0, found -1"),
    "passed in words": ({"json": quiz(passed="yes")}, "payload.passed: expected a valid boolean, found 'yes'"),
    "a ping's payload in a quiz": ({"json": ping(type="QUIZ_SUBMIT")}, "payload.quiz_id: expected a value"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_json_is_400(lived_in: Local, case: str) -> None:
    request, says = MALFORMED[case]
    refused(lived_in, request, 400, says)


@pytest.mark.parametrize("case", INVALID)
def test_what_is_against_the_contract_is_422(lived_in: Local, case: str) -> None:
    request, says = INVALID[case]

    body = refused(lived_in, request, 422, says)

    assert (body["accepted"], body["duplicates"], body["signals"]) == (0, 0, [])
    assert body["rejected"] == [{"index": 0, "errors": body["errors"]}]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xml", "application/jsonx", "json"])
def test_another_content_type_is_415(lived_in: Local, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    request = {"content": json.dumps(ping()), "headers": headers}
    says = f"Content-Type: expected application/json or application/x-ndjson, found {content_type or 'none'}"
    refused(lived_in, request, 415, says)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;"])
def test_a_content_type_may_be_written_in_many_ways(lived_in: Local, content_type: str) -> None:
    request = {"content": b"{}", "headers": {"Content-Type": content_type}}
    refused(lived_in, request, 422, "type: expected a value")


@pytest.mark.parametrize("headers", [JSON, NDJSON])
def test_a_body_over_the_limit_is_413(lived_in: Local, headers: dict[str, str]) -> None:
    line = ndjson(ping())
    too_large = line + b" " * MAX_BODY_BYTES
    request = {"content": too_large, "headers": headers}
    refused(lived_in, request, 413, f"body: expected at most {MAX_BODY_BYTES} bytes, found {len(too_large)}")
    chunked = {"content": chunks(line, *[b" " * 10_000] * 10), "headers": headers}
    refused(lived_in, chunked, 413, f"body: expected at most {MAX_BODY_BYTES} bytes, found more")


def test_a_body_of_just_the_limit_is_read(lived_in: Local) -> None:
    request = {"content": b"{}".ljust(MAX_BODY_BYTES), "headers": JSON}
    refused(lived_in, request, 422, "type: expected a value")


def test_ndjson_without_one_valid_line_is_422(lived_in: Local) -> None:
    lines = b"{\n\n" + ndjson(ping(user_id=""), [ping()]) + b"\xff\n"

    body = refused(lived_in, {"content": lines, "headers": NDJSON}, 422, "line 1: expected JSON, found EOF")

    assert [rejected["index"] for rejected in body["rejected"]] == [0, 2, 3, 4]
    assert [rejected["errors"][0]["where"] for rejected in body["rejected"]] == [
        "line 1",
        "user_id",
        "the value",
        "line 5",
    ]


def test_all_that_is_wrong_is_said_at_once(lived_in: Local) -> None:
    wrong = {"json": ping(event_id="x", user_id="", class_id=3)}

    body = refused(lived_in, wrong, 422, "; user_id: expected at least 1 character, found ''; class_id: expected")

    assert [error["where"] for error in body["errors"]] == ["event_id", "user_id", "class_id"]


def refused(api: Local, request: Request, status: int, says: str) -> dict[str, Any]:
    """The problem by which the request is refused, once it is checked that nothing is stored."""
    before = contents(api)
    response: httpx.Response = api.post("/v1/events", **request)
    body = problem(response, status, says)
    assert contents(api) == before
    return body
