"""Responses that nobody can make sense of yet: kept as they came, and counted when their course is published."""

import time
from typing import Any

import pytest

from engine.courses.publish import publish
from signals.course import Step
from tests.api.support import COURSE, TALLY_SECRET, accepted, contents, tally
from tests.api.tally import BODY, DUPLICATE, PATH, deliver, inbox, submissions
from tests.engine.support import HandClock
from tests.integrations.tally_payloads import form_response
from tests.support.processes import PATIENCE_SEC
from tests.support.serving import Local


def test_what_cannot_be_resolved_waits_for_its_course(api: Local) -> None:
    answer = deliver(api, BODY)

    expected = "class_id: expected a hidden field, or one class with the quiz 'loops-quiz' in the published courses"
    assert list(answer) == ["parked"]
    assert expected in answer["parked"]
    [message] = inbox(api)
    assert (message.status, message.reason) == ("parked", answer["parked"])
    assert submissions(api) == []

    accepted(api.put("/v1/courses/other", json={"title": "Another", "steps": []}))
    accepted(api.put("/v1/courses/python-101", json=COURSE))

    [event] = until_submitted(api, 1)
    assert (event["user_id"], event["occurred_at"]) == ("ada", "2023-06-28T15:00:21Z")
    [message] = inbox(api)
    assert (message.status, message.reason, message.event_id) == ("done", None, event["event_id"])
    assert deliver(api, BODY | {"eventId": "another"}) == DUPLICATE


def test_what_waits_is_kept_once_and_says_the_same_each_time(api: Local) -> None:
    answer = deliver(api, BODY)
    before = contents(api)
    assert deliver(api, BODY | {"eventId": "another"}) == answer
    assert contents(api) == before


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ({"hidden": {}}, "user_id: expected a learner's id"),
        ({"calculated": {}}, "Score: expected the score"),
        ({"calculated": {"Score": 11}}, "a score of at most max_score (10), not 11"),
        ({"calculated": {"Score": "NaN"}}, "Score: expected a number, found 'NaN'"),
        ({"hidden": {"user_id": "a\x00"}}, "user_id: expected text that matches"),
        ({"hidden": {"user_id": "a" * 256}}, "user_id: expected at most 255 characters"),
        ({"created_at": "2027-01-01T00:00:00Z"}, "occurred_at: expected a time at most 5 minutes after"),
    ],
)
def test_what_does_not_make_sense_is_kept_for_somebody_to_see(many: Local, spoilt: dict[str, Any], says: str) -> None:
    before = submissions(many)
    body = form_response(form_id="loops-quiz", response_id=says, **spoilt)

    answer = deliver(many, body)

    assert says in answer["parked"]
    [message] = [message for message in inbox(many) if message.message_id == says]
    assert (message.status, message.reason) == ("parked", answer["parked"])
    assert submissions(many) == before


def test_what_waits_survives_a_restart(database_url: str, clock: HandClock) -> None:
    with Local(database_url, clock=clock, tally_signing_secret=TALLY_SECRET) as api:
        deliver(api, BODY)
        deliver(api, form_response(form_id="loops-quiz", response_id="other", hidden={"user_id": "alan"}))
    with Local(database_url, clock=clock) as api:
        accepted(api.put("/v1/courses/python-101", json=COURSE))
        assert {event["user_id"] for event in until_submitted(api, 2)} == {"ada", "alan"}


def test_what_waits_is_tried_at_the_start_if_the_end_came_too_soon(database_url: str, clock: HandClock) -> None:
    with Local(database_url, clock=clock, tally_signing_secret=TALLY_SECRET) as api:
        deliver(api, BODY)
        steps = tuple(Step(**step) for step in COURSE["steps"])
        api.run(publish(api.engine.database, "python-101", "Python", steps, clock))  # and then a power cut
        assert submissions(api) == []
    with Local(database_url, clock=clock) as api:
        assert len(until_submitted(api, 1)) == 1


def test_many_that_wait_and_many_that_arrive_count_once_each(api: Local) -> None:
    bodies = [form_response(form_id="loops-quiz", response_id=f"response {number}") for number in range(20)]
    for body in bodies[:10]:
        deliver(api, body)

    api.together(
        api.client.put("/v1/courses/python-101", json=COURSE),
        *(api.client.post(PATH, **tally(body)) for body in bodies),
    )

    assert len(until_submitted(api, 20)) == 20
    assert {message.status for message in inbox(api)} == {"done"}


def until_submitted(api: Local, number: int) -> list[dict[str, Any]]:
    """The submissions, once there are so many: what was parked becomes events behind the answers."""

    stuck = time.monotonic() + PATIENCE_SEC
    while len(events := submissions(api)) < number:
        assert time.monotonic() < stuck, f"expected {number} submissions, found {len(events)}"
    return events
