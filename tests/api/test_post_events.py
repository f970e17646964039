"""What POST /v1/events takes: one event, an array, NDJSON; the valid among invalid ones; the same again."""

import json
from itertools import repeat
from uuid import UUID, uuid4

import pytest

from engine.limits import DEFAULT_LIMITS
from tests.api.support import COURSE, JSON, NDJSON, accepted, contents, ndjson, ping, quiz
from tests.support.serving import Local

VIDEO_COMPLETED = {"type": "VIDEO_COMPLETED", "user_id": "ada", "class_id": "intro", "course_id": None}


def test_an_event_is_accepted_and_says_what_it_brought_about(api: Local) -> None:
    accepted(api.put("/v1/courses/python-101", json=COURSE))

    answer = accepted(api.post("/v1/events", json=ping()))

    step_completed = {"type": "STEP_COMPLETED", "user_id": "ada", "class_id": "intro", "course_id": "python-101"}
    assert answer.pop("signals") == [VIDEO_COMPLETED, step_completed]
    assert answer == {"accepted": 1, "duplicates": 0, "rejected": []}


def test_an_event_is_kept_as_it_came_with_what_was_left_out_filled_in(api: Local) -> None:
    accepted(api.post("/v1/events", json=ping(position=1.5)))

    [event] = accepted(api.get("/v1/events"))["items"]

    assert UUID(event.pop("event_id"))
    assert event == {
        "seq": 1,
        "type": "VIDEO_PING",
        "version": "1.0",
        "user_id": "ada",
        "class_id": "intro",
        "course_id": None,
        "payload": {"video_id": "intro-video", "position": 1.5, "duration": 300},
        "occurred_at": "2026-12-02T12:00:00Z",
        "recorded_at": "2026-12-02T12:00:00Z",
        "source": "api",
        "correlation_id": None,
    }


def test_what_was_said_is_kept_in_utc_and_with_fields_that_we_do_not_know(api: Local) -> None:
    event_id = str(uuid4())
    posted = ping(
        version="1.7",
        event_id=event_id.upper(),
        user_id="Ada Lovelace ☕ +1%/x",
        course_id="https://example.com/course?a=b",
        occurred_at="2026-12-02T01:30:00.123456+02:00",
        correlation_id="click 7",
    )
    posted["payload"] |= {"Nächstes": [None, {"a": "\x00"}], "playback_rate": 2}

    accepted(api.post("/v1/events", json=posted))

    [event] = accepted(api.get("/v1/events"))["items"]
    assert event["event_id"] == event_id
    assert event["occurred_at"] == "2026-12-01T23:30:00.123456Z"
    for name in ("version", "user_id", "course_id", "correlation_id", "payload"):
        assert event[name] == posted[name]


def test_a_clock_that_is_a_little_fast_is_set_right(api: Local) -> None:
    accepted(api.post("/v1/events", json=ping(occurred_at="2026-12-02T12:05:00Z")))
    assert accepted(api.get("/v1/events"))["items"][0]["occurred_at"] == "2026-12-02T12:00:00Z"


def test_an_array_and_ndjson_are_the_same_as_one_by_one(api: Local) -> None:
    events = [ping(position, event_id=str(uuid4())) for position in (10, 290)]
    lines = b"\n" + ndjson(*events).replace(b"\n", b"\r\n").removesuffix(b"\r\n")

    assert accepted(api.post("/v1/events", json=events))["accepted"] == 2
    for again in ({"json": events[0]}, {"json": events}, {"content": lines, "headers": NDJSON}):
        answer = accepted(api.post("/v1/events", **again))
        number = 1 if again == {"json": events[0]} else 2
        assert answer == {"accepted": 0, "duplicates": number, "rejected": [], "signals": []}


@pytest.mark.parametrize("nothing", [{"json": []}, {"content": b"", "headers": NDJSON}])
def test_no_events_are_no_fault(api: Local, nothing: dict[str, object]) -> None:
    answer = accepted(api.post("/v1/events", **nothing))
    assert answer == {"accepted": 0, "duplicates": 0, "rejected": [], "signals": []}


def test_the_valid_ones_among_others_are_stored(api: Local) -> None:
    good, bad = [ping(position, event_id=str(uuid4())) for position in (10, 290)], ping(position=400)

    answer = accepted(api.post("/v1/events", json=[bad, good[0], 3, good[1], ping(user_id="")]), 207)

    assert (answer["accepted"], answer["duplicates"], answer["signals"]) == (2, 0, [VIDEO_COMPLETED])
    assert [(rejected["index"], rejected["errors"][0]["where"]) for rejected in answer["rejected"]] == [
        (0, "payload"),
        (2, "the value"),
        (4, "user_id"),
    ]
    assert {item["event_id"] for item in accepted(api.get("/v1/events"))["items"]} == {e["event_id"] for e in good}


def test_duplicates_among_others_are_no_rejects(api: Local) -> None:
    known = ping(event_id=str(uuid4()))
    accepted(api.post("/v1/events", json=known))

    answer = accepted(api.post("/v1/events", json=[known, ping(user_id="")]), 207)

    assert (answer["accepted"], answer["duplicates"], len(answer["rejected"])) == (0, 1, 1)


def test_a_broken_line_does_not_take_the_others_with_it(api: Local) -> None:
    lines = ndjson(ping()) + b'{"type": \n\n\xff\n' + ndjson(quiz())

    answer = accepted(api.post("/v1/events", content=lines, headers=NDJSON), 207)

    assert answer["accepted"] == 2
    assert [(rejected["index"], rejected["errors"][0]["where"]) for rejected in answer["rejected"]] == [
        (1, "line 2"),
        (3, "line 4"),
    ]


def test_the_same_id_twice_in_a_request_is_one_event(api: Local) -> None:
    event_id = str(uuid4())

    answer = accepted(api.post("/v1/events", json=[ping(10, event_id=event_id), ping(290, event_id=event_id)]))

    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    [row] = accepted(api.get("/v1/progress"))["items"]
    assert row["video_max_position_sec"] == 10


def test_the_same_id_again_is_a_duplicate_whatever_else_it_says(api: Local) -> None:
    event_id = str(uuid4())
    accepted(api.post("/v1/events", json=ping(10, event_id=event_id)))
    before = contents(api)

    answer = accepted(api.post("/v1/events", json=quiz(event_id=event_id, class_id="other")))

    assert (answer["accepted"], answer["duplicates"]) == (0, 1)
    assert contents(api) == before


def test_the_same_id_of_another_learner_is_another_event(api: Local) -> None:
    event_id = str(uuid4())
    events = [ping(event_id=event_id), ping(event_id=event_id, user_id="alan")]
    assert accepted(api.post("/v1/events", json=events))["accepted"] == 2


def test_the_same_request_many_times_at_once_counts_once(api: Local) -> None:
    events = [ping(event_id=str(uuid4())), quiz(event_id=str(uuid4()))]

    answers = api.together(*(api.client.post("/v1/events", json=events) for _ in range(20)))

    assert sum(accepted(answer)["accepted"] for answer in answers) == 2
    assert sum(len(accepted(answer)["signals"]) for answer in answers) == 2
    assert len(accepted(api.get("/v1/events"))["items"]) == 2


def test_more_events_than_a_transaction_takes_are_all_recorded(api: Local) -> None:
    line = json.dumps(ping(10)).encode()
    number = DEFAULT_LIMITS.batch_events + 1

    answer = accepted(api.post("/v1/events", content=b"[" + b",".join(repeat(line, number)) + b"]", headers=JSON))

    assert answer == {"accepted": number, "duplicates": 0, "rejected": [], "signals": []}
    [day] = accepted(api.get("/v1/stats/daily"))["items"]
    assert day == {"day": "2026-12-02", "type": "VIDEO_PING", "events": number}
