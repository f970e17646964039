"""Tally's webhook: whoever signs is heard, whatever a form asks is taken and kept, and nothing counts twice."""

import json
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import pytest

from integrations.tally.signature import sign
from tests.api.support import COURSE, JSON, TALLY_SECRET, accepted, chunks, contents, ping, problem, tally
from tests.api.tally import BODY, DUPLICATE, PATH, TAKEN, deliver, inbox, submissions
from tests.engine.support import HandClock
from tests.integrations.tally_payloads import EVERY_FIELD, Json, form_response
from tests.support.serving import Local


def test_a_response_becomes_a_submission(published: Local) -> None:
    answer = deliver(published, BODY)

    assert answer.pop("signals") == [
        {"type": "QUIZ_PASSED", "user_id": "ada", "class_id": "loops", "course_id": None},
    ]
    assert answer == {"accepted": 1, "duplicates": 0, "rejected": []}
    [event] = submissions(published)
    assert (event["user_id"], event["class_id"], event["course_id"]) == ("ada", "loops", "python-101")
    assert event["payload"] == {"quiz_id": "loops-quiz", "score": 8.0, "max_score": 10.0, "passed": True}
    assert event["occurred_at"] == "2023-06-28T15:00:21Z"  # when it was submitted
    assert event["recorded_at"] == "2026-12-02T12:00:00Z"  # when it was delivered
    assert (event["source"], event["correlation_id"]) == ("tally", BODY["eventId"])
    [message] = inbox(published)
    assert (message.source, message.message_id, message.status) == ("tally", "2wgx4n", "done")
    assert (message.user_id, message.event_id) == ("ada", event["event_id"])


@pytest.mark.parametrize("case", [*EVERY_FIELD, "all of them"])
def test_a_form_may_ask_whatever_it_likes(many: Local, case: str) -> None:
    fields = EVERY_FIELD.get(case) or list(chain.from_iterable(EVERY_FIELD.values()))
    body = form_response(form_id="loops-quiz", response_id=case, hidden={"user_id": case}, questions=fields)

    assert deliver(many, body)["accepted"] == 1

    [event] = [event for event in submissions(many) if event["user_id"] == case]
    assert event["payload"]["score"] == 8.0
    [message] = [message for message in inbox(many) if message.message_id == case]
    assert message.body == json.dumps(body, ensure_ascii=False)


ODD = (
    ' {"eventType" : "FORM_RESPONSE", "createdAt": "2023-06-28T15:00:21.889Z",\n\t"data": {"responseId": "odd",'
    '"formId": "loops-quiz", "createdAt": "2023-06-28T17:00:21.000+02:00", "createdAt": "2023-06-28T15:00:21.000Z",'
    '"fields": [{"label": "user_id", "type": "HIDDEN_FIELDS", "value": "Z\\u00fcrich ☕"}, '
    '{"label": "Score", "type": "CALCULATED_FIELDS", "value": 8.50}, {"value": "\\u0000\\ud83d\\ude00"}, '
    '{"value": 1e400}, {"value": 12345678901234567890123456789}, {"value": ' + "[" * 150 + "]" * 150 + "}]}}\r\n"
)


@pytest.mark.parametrize("is_published", [True, False])
def test_the_payload_is_kept_to_the_letter(api: Local, *, is_published: bool) -> None:
    if is_published:
        accepted(api.put("/v1/courses/python-101", json=COURSE))

    answer = deliver(api, ODD.encode())

    assert ("parked" in answer) != is_published
    [message] = inbox(api)
    assert (message.body, message.status) == (ODD, "done" if is_published else "parked")


def test_a_second_delivery_is_a_duplicate_whatever_its_event_id(published: Local) -> None:
    deliver(published, BODY)
    before = contents(published)

    for again in (BODY, BODY | {"eventId": "another"}, BODY | {"createdAt": "2023-06-29T15:00:00Z"}):
        assert deliver(published, again) == DUPLICATE

    assert contents(published) == before


def test_a_second_delivery_stays_a_duplicate_when_it_would_make_no_sense_by_now(published: Local) -> None:
    deliver(published, BODY)
    accepted(published.put("/v1/courses/python-101", json=COURSE | {"steps": []}))
    before = contents(published)

    for again in (BODY, form_response(form_id="loops-quiz", hidden={})):
        assert deliver(published, again) == DUPLICATE

    assert contents(published) == before


def test_deliveries_at_the_same_time_count_once(published: Local) -> None:
    bodies = [BODY | {"eventId": f"delivery {number}"} for number in range(8)]

    answers = published.together(*(published.client.post(PATH, **tally(body)) for body in bodies))

    assert sorted(accepted(answer)["accepted"] for answer in answers) == [0] * 7 + [1]
    assert len(submissions(published)) == len(inbox(published)) == 1


def test_deliveries_are_counted_as_other_systems_messages_are(published: Local) -> None:
    before = {outcome: counted(published, outcome) for outcome in ("done", "duplicate", "parked", "refused")}

    deliver(published, BODY)
    deliver(published, BODY)
    deliver(published, form_response(form_id="another form", response_id="another"))
    problem(published.post(PATH, **tally(b"{}")), 422, "eventType")

    assert {outcome: counted(published, outcome) - number for outcome, number in before.items()} == dict.fromkeys(
        before, 1
    )


def counted(api: Local, outcome: str) -> float:
    kind = "unread" if outcome == "refused" else "FORM_RESPONSE"
    line = f'events_consumed_total{{outcome="{outcome}",source="tally",type="{kind}"}} '
    return sum(
        float(each.removeprefix(line)) for each in api.get("/metrics").text.splitlines() if each.startswith(line)
    )


def test_another_response_is_another_submission(published: Local) -> None:
    deliver(published, BODY)
    assert deliver(published, form_response(form_id="loops-quiz", response_id="other")) == TAKEN
    assert len(submissions(published)) == 2


def test_a_quiz_completes_the_step_that_its_video_began(published: Local) -> None:
    loops = ping(class_id="loops", payload={"video_id": "loops-video", "position": 600, "duration": 600})
    accepted(published.post("/v1/events", json=[ping(), loops]))

    signals = deliver(published, form_response(form_id="loops-quiz", created_at="2026-12-02T11:00:00Z"))["signals"]

    assert [signal["type"] for signal in signals] == ["QUIZ_PASSED", "STEP_COMPLETED", "COURSE_COMPLETED"]


GENUINE = tally(BODY)
CONTENT: bytes = GENUINE["content"]


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "Tally-Signature: expected the body's signature, found none"),
        ({"Tally-Signature": ""}, "Tally-Signature: expected the body's signature under our secret, found another"),
        ({"Tally-Signature": sign("another secret", CONTENT)}, "under our secret, found another"),
        ({"Tally-Signature": sign(TALLY_SECRET, CONTENT + b" ")}, "under our secret, found another"),
        ({"Tally-Signature": sign(TALLY_SECRET, CONTENT).rstrip("=")}, "under our secret, found another"),
        ({"Tally-Signature": sign(TALLY_SECRET, CONTENT).lower()}, "under our secret, found another"),
        ({"Tally-Signature": b"\xff"}, "under our secret, found another"),
        ({"Authorization": "Bearer lms_key"}, "Tally-Signature: expected the body's signature, found none"),
    ],
)
def test_whoever_did_not_sign_is_401(many: Local, headers: Mapping[str, Any], says: str) -> None:
    before = contents(many)
    problem(many.post(PATH, content=CONTENT, headers=headers), 401, says)
    assert contents(many) == before


def test_without_a_secret_nobody_is_heard(new_sqlite: Callable[[], str]) -> None:
    with Local(new_sqlite()) as api:
        before = contents(api)
        for request in (GENUINE, tally(BODY, secret=""), {"content": b"{"}):
            problem(api.post(PATH, **request), 403, "expected LMS_TALLY_SIGNING_SECRET to be configured, found none")
        assert contents(api) == before


def test_whoever_signed_needs_no_key(new_sqlite: Callable[[], str], clock: HandClock) -> None:
    with Local(new_sqlite(), dev=False, clock=clock, tally_signing_secret=TALLY_SECRET) as api:
        assert list(deliver(api, BODY)) == ["parked"]


def with_data(**data: object) -> Json:
    """BODY, with other data."""
    fields: Any = BODY["data"]
    return BODY | {"data": fields | data}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "body: expected JSON, found EOF"),
        (b'{"eventType": ', 400, "body: expected JSON, found EOF"),
        (b'{"eventType": "\xff"}', 400, "body: expected JSON, found"),
        (CONTENT.replace(b'"ada"', rb'"\ud800"'), 400, "body: expected JSON, found"),
        (CONTENT.replace(b'"ada"', b"NaN"), 400, "body: expected JSON, found"),
        (CONTENT.replace(b'"ada"', b"[" * 5000), 400, "body: expected JSON, found recursion limit"),
        (b"[]", 422, "the value: expected an object, found []"),
        ({}, 422, "eventType: expected a value, found nothing"),
        (BODY | {"eventType": "FORM_CREATED"}, 422, "eventType: expected 'FORM_RESPONSE', found 'FORM_CREATED'"),
        (BODY | {"data": None}, 422, "data: expected an object, found None"),
        (BODY | {"eventId": ""}, 422, "eventId: expected at least 1 character, found ''"),
        (with_data(responseId=None), 422, "data.responseId: expected a valid string, found None"),
        (with_data(responseId="\x00"), 422, "data.responseId: expected text that matches"),
        (with_data(formId=7), 422, "data.formId: expected a valid string, found 7"),
        (with_data(fields={}), 422, "data.fields: expected an array, found {}"),
        (with_data(fields=["Score"]), 422, "data.fields.0: expected an object, found 'Score'"),
        (with_data(createdAt="2023-06-28T15:00:21"), 422, "data.createdAt: expected a time with its offset from UTC"),
        (with_data(createdAt=1687964421), 422, "data.createdAt: expected text, found 1687964421"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_form_response_is_refused(many: Local, body: Json | bytes, status: int, says: str) -> None:
    before = contents(many)
    problem(many.post(PATH, **tally(body)), status, says)
    assert contents(many) == before


def test_a_body_over_the_limit_is_413(lived_in: Local) -> None:
    before = contents(lived_in)
    large = CONTENT.ljust(100_001)
    problem(lived_in.post(PATH, **tally(large)), 413, "body: expected at most 100000 bytes, found 100001")
    chunked = tally(large) | {"content": chunks(large[:50_000], large[50_000:])}
    problem(lived_in.post(PATH, **chunked), 413, "body: expected at most 100000 bytes, found more")
    assert contents(lived_in) == before


def test_its_content_type_does_not_matter(published: Local) -> None:
    headers = {"Tally-Signature": sign(TALLY_SECRET, CONTENT), "Content-Type": "text/plain"}
    assert headers != JSON
    assert accepted(published.post(PATH, content=CONTENT, headers=headers))["accepted"] == 1
