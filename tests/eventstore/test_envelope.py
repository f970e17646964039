"""The gate: what an event must look like, and exactly what is said of one that does not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from eventstore.envelope import parse, validate
from eventstore.errors import FieldError, InvalidInputError, MalformedBodyError
from eventstore.event import Event
from eventstore.registry import current_payload

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ID = UUID("0f0f7a52-6f9c-4f0e-8d43-0d0cf6b1a001")

PING: dict[str, Any] = {
    "type": "VIDEO_PING",
    "user_id": "ada",
    "class_id": "intro",
    "payload": {"video_id": "v", "position": 280, "duration": 300},
}
QUIZ: dict[str, Any] = PING | {
    "type": "QUIZ_SUBMIT",
    "payload": {"quiz_id": "q", "score": 8, "max_score": 10, "passed": True},
}


def gate(envelope: object) -> Event:
    return validate(envelope, NOW, "test", new_id=lambda: ID)


def ping(**payload: object) -> dict[str, Any]:
    """A ping whose payload says something else; None takes a field away."""
    fields = {**PING["payload"], **payload}
    return PING | {"payload": {name: value for name, value in fields.items() if value is not None}}


def quiz(**payload: object) -> dict[str, Any]:
    return QUIZ | {"payload": {**QUIZ["payload"], **payload}}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PING.items() if key != name}


def test_what_is_absent_is_filled_in() -> None:
    assert gate(PING) == Event(
        event_id=str(ID),
        type="VIDEO_PING",
        version="1.0",
        user_id="ada",
        class_id="intro",
        course_id=None,
        payload='{"video_id":"v","position":280,"duration":300}',
        occurred_at=NOW,
        recorded_at=NOW,
        source="test",
        correlation_id=None,
    )


@pytest.mark.parametrize(
    "posted",
    [
        PING,
        QUIZ,
        ping(position=0.1, duration=0.3, unknown=1e-7),
        ping(position=2**31 - 1, duration=2**31 - 1),
        ping(played_segments=[[0, 1.5]], playback_rate=2) | {"version": "1.1"},
        PING | {"version": "1.9"},
    ],
)
def test_what_was_just_let_in_says_the_same_to_rules_as_what_the_log_has(posted: dict[str, Any]) -> None:
    event = gate(posted)

    assert repr(current_payload(event)) == repr(current_payload(Event(*event)))


def test_a_copy_that_says_something_else_says_that_to_rules_too() -> None:
    copy = gate(PING)._replace(payload=gate(ping(position=1)).payload)

    assert current_payload(copy) == current_payload(gate(ping(position=1)))


def test_what_is_there_is_kept_ids_in_lower_case_and_times_in_utc() -> None:
    event = gate(
        PING
        | {
            "version": "1.9",
            "event_id": "AAAAAAAA-6f9c-4f0e-8d43-0d0cf6b1a001",
            "course_id": "python-101",
            "correlation_id": "s-1",
            "occurred_at": "2026-11-28T13:30:00.000001+02:00",
        }
    )

    assert (event.version, event.course_id, event.correlation_id) == ("1.9", "python-101", "s-1")
    assert event.event_id == "aaaaaaaa-6f9c-4f0e-8d43-0d0cf6b1a001"
    assert event.occurred_at == datetime(2026, 11, 28, 11, 30, 0, 1, tzinfo=UTC)
    assert event.occurred_at.utcoffset() == timedelta(0)


def test_a_clock_a_little_ahead_is_clamped_to_ours() -> None:
    ahead = (NOW + timedelta(minutes=5)).isoformat()

    assert gate(PING | {"occurred_at": ahead}).occurred_at == NOW


@pytest.mark.parametrize("position", [0, 270, 300, 301])
def test_a_position_may_lie_a_second_behind_the_end(position: float) -> None:
    gate(ping(position=position))


FUTURE = (NOW + timedelta(minutes=5, microseconds=1)).isoformat()
AT_MOST_5_MINUTES = "a time at most 5 minutes after the server's 2026-11-28T12:00:00+00:00"
KNOWN = "a version of VIDEO_PING that is known here (1.0, 1.1)"
OFFSET = "a time with its offset from UTC, such as Z or +02:00"
ISO = "a valid datetime in ISO 8601, such as 2026-11-21T09:30:00Z"
MAJOR_MINOR = r"text that matches '^(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$' (major.minor, such as 1.0)"
NO_CONTROLS = r"text that matches '^[^\x00-\x1f\x7f]*$' (no control characters)"

REFUSED: dict[str, tuple[object, list[tuple[str, str, str]]]] = {
    "no object": ([], [("the value", "an object", "[]")]),
    "text": ("VIDEO_PING", [("the value", "an object", "'VIDEO_PING'")]),
    "nothing": ({}, [(name, "a value", "nothing") for name in ("type", "user_id", "class_id", "payload")]),
    "no payload": (without("payload"), [("payload", "a value", "nothing")]),
    "a list for a payload": (PING | {"payload": []}, [("payload", "an object", "[]")]),
    "an unknown type": (PING | {"type": "PING"}, [("type", "VIDEO_PING or QUIZ_SUBMIT", "'PING'")]),
    "an unknown major": (PING | {"version": "2.0"}, [("version", KNOWN, "2.0")]),
    "a number for a version": (PING | {"version": 1.1}, [("version", "a valid string", "1.1")]),
    "a version without minor": (PING | {"version": "1"}, [("version", MAJOR_MINOR, "'1'")]),
    "an id of two lines": (PING | {"user_id": "a\nb"}, [("user_id", NO_CONTROLS, r"'a\nb'")]),
    "a number for an id": (PING | {"user_id": 7}, [("user_id", "a valid string", "7")]),
    "an empty id": (PING | {"class_id": ""}, [("class_id", "at least 1 character", "''")]),
    "no UUID": (PING | {"event_id": 12}, [("event_id", "text", "12")]),
    "almost a UUID": (PING | {"event_id": f"{ID}0"}, [("event_id", "a valid UUID", f"'{ID}0'")]),
    "the future": (PING | {"occurred_at": FUTURE}, [("occurred_at", AT_MOST_5_MINUTES, f"'{FUTURE}'")]),
    "a number for a time": (PING | {"occurred_at": 0}, [("occurred_at", "text", "0")]),
    "the text of a number for a time": (
        PING | {"occurred_at": "1764590400"},
        [("occurred_at", ISO, "'1764590400'")],
    ),
    "no time at all": (PING | {"occurred_at": "soon"}, [("occurred_at", ISO, "'soon'")]),
    "a day that there is not": (
        PING | {"occurred_at": "2026-02-30T12:00:00Z"},
        [("occurred_at", ISO, "'2026-02-30T12:00:00Z'")],
    ),
    "before the calendar": (
        PING | {"occurred_at": "0001-01-01T00:00:00+23:00"},
        [("occurred_at", "a time within the years 1 to 9999", "0001-01-01 00:00:00+23:00")],
    ),
    "no offset": (
        PING | {"occurred_at": "2026-11-28T12:00:00"},
        [("occurred_at", OFFSET, "'2026-11-28T12:00:00'")],
    ),
    "beyond the video": (
        ping(position=301.5),
        [
            (
                "payload",
                "a position of at most duration + 1 s (here 300 + 1 s), not 301.5",
                "{'video_id': 'v', 'position': 301.5, 'duration': 300}",
            )
        ],
    ),
    "before the video": (ping(position=-0.1), [("payload.position", "greater than or equal to 0", "-0.1")]),
    "a video of no length": (ping(duration=0), [("payload.duration", "greater than 0", "0")]),
    "NaN": (ping(position=float("nan")), [("payload.position", "a finite number", "nan")]),
    "infinity": (ping(duration=float("inf")), [("payload.duration", "a finite number", "inf")]),
    "words for a number": (ping(position="280"), [("payload.position", "a valid number", "'280'")]),
    "true for a number": (ping(position=True), [("payload.position", "a valid number", "True")]),
    "more points than there are": (
        quiz(score=11),
        [
            (
                "payload",
                "a score of at most max_score (10), not 11",
                "{'quiz_id': 'q', 'score': 11, 'max_score': 10, 'passed': True}",
            )
        ],
    ),
    "half a segment": (
        ping(played_segments=[[0, 1], [1]]) | {"version": "1.1"},
        [("payload.played_segments.1", "at least 2 items", "[1]")],
    ),
    "an object for segments": (
        ping(played_segments={}) | {"version": "1.1"},
        [("payload.played_segments", "an array", "{}")],
    ),
    "words for a truth": (quiz(passed="yes"), [("payload.passed", "a valid boolean", "'yes'")]),
    "a number for a truth": (quiz(passed=1), [("payload.passed", "a valid boolean", "1")]),
    "several faults": (
        PING | {"user_id": "", "class_id": 3},
        [("user_id", "at least 1 character", "''"), ("class_id", "a valid string", "3")],
    ),
    "several faults in the payload": (
        ping(video_id=None, position="far"),
        [("payload.video_id", "a value", "nothing"), ("payload.position", "a valid number", "'far'")],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_with_where_what_was_expected_and_what_was_found(case: str) -> None:
    envelope, errors = REFUSED[case]

    with pytest.raises(InvalidInputError) as refused:
        gate(envelope)

    assert refused.value.errors == [FieldError(*error) for error in errors]
    assert str(refused.value) == "; ".join(f"{where}: expected {what}, found {was}" for where, what, was in errors)


@pytest.mark.parametrize("name", ["user_id", "class_id", "course_id", "correlation_id"])
@pytest.mark.parametrize("value", ["a\x00", "a\n", "\x1f", "\x7f", "a" * 256])
def test_ids_have_no_control_characters_and_are_not_endless(name: str, value: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^{name}: expected "):
        gate(PING | {name: value})


def test_what_was_found_is_cut_to_a_readable_length() -> None:
    with pytest.raises(InvalidInputError) as refused:
        gate(ping(position="9" * 1_000))

    assert len(refused.value.errors[0].found) == 120
    assert refused.value.errors[0].found.endswith("9…")


@pytest.mark.parametrize("body", ["", "{", "{}{}", "NaN", "[Infinity]", '{"a": -Infinity}', "'x'", '"\\ud800"'])
def test_what_is_no_json_is_malformed_and_says_where(body: str) -> None:
    with pytest.raises(MalformedBodyError, match=r"^line 3: expected JSON, found "):
        parse(body, where="line 3")


def test_a_number_too_large_to_store_is_refused_wherever_it_stands() -> None:
    body = '{"type": "VIDEO_PING", "user_id": "a", "class_id": "a", "payload": '
    body += '{"video_id": "Infinity", "position": 1, "duration": 2, "more": [1e999]}}'

    with pytest.raises(InvalidInputError) as refused:
        gate(parse(body))

    assert refused.value.errors == [FieldError("payload", "finite numbers", "one that is too large")]
