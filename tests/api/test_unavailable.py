"""Not now: 503 with Retry-After, and nothing of what was refused is kept."""

import httpx
import pytest

from engine.limits import DEFAULT_LIMITS
from tests.api.support import COURSE, TALLY_SECRET, accepted, contents, ping, problem, tally
from tests.integrations.tally_payloads import form_response
from tests.support.serving import Local

TALLY = tally(
    form_response(
        hidden={"user_id": "ada", "class_id": "loops"}, calculated={"Score": 1, "max_score": 1, "passed": True}
    )
)


def not_now(response: httpx.Response, says: str) -> None:
    problem(response, 503, says)
    assert int(response.headers["Retry-After"]) >= 1


def test_a_full_queue_is_503_and_what_it_took_is_kept(database_url: str) -> None:
    with Local(database_url, queue_events=2) as api:
        answers = api.together(*(api.client.post("/v1/events", json=[ping(), ping()]) for _ in range(10)))
        taken = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code != 200]

        assert taken
        assert refused
        for answer in refused:
            not_now(answer, "the queue is full: at most 2 events may wait")
        assert len(accepted(api.get("/v1/events"))["items"]) == sum(accepted(answer)["accepted"] for answer in taken)


@pytest.mark.parametrize("number", [5, DEFAULT_LIMITS.large_submission_events])
def test_more_than_the_queue_holds_is_taken_when_nothing_waits(database_url: str, number: int) -> None:
    with Local(database_url, queue_events=2) as api:
        events = [{**ping(), "user_id": f"learner {n}"} for n in range(number)]
        assert accepted(api.post("/v1/events", json=events))["accepted"] == number


@pytest.mark.parametrize(
    "request_", [("/v1/events", {"json": ping()}), ("/v1/webhooks/tally", TALLY)], ids=["events", "tally"]
)
def test_a_server_that_is_ending_takes_no_more(api: Local, request_: tuple[str, dict[str, object]]) -> None:
    path, more = request_
    api.run(api.engine.ingest.stop())
    before = contents(api)

    not_now(api.post(path, **more), "the server is shutting down")

    assert contents(api) == before


def test_the_next_server_takes_it(database_url: str) -> None:
    with Local(database_url, tally_signing_secret=TALLY_SECRET) as api:
        api.run(api.engine.ingest.stop())
        not_now(api.post("/v1/webhooks/tally", **TALLY), "shutting down")
    with Local(database_url, tally_signing_secret=TALLY_SECRET) as api:
        accepted(api.put("/v1/courses/python-101", json=COURSE))
        assert accepted(api.post("/v1/webhooks/tally", **TALLY))["accepted"] == 1
