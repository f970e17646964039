"""xAPI: what a player reported becomes a ping, what is no evidence is skipped, what is malformed is named."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.envelope import validate
from eventstore.errors import InvalidInputError
from integrations.xapi.translate import NotProgress, segments, translate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REAL = Path(__file__).parents[3] / "shared/data/fun_video_xapi_statements.json.gz"

EXTENSION = "https://w3id.org/xapi/video/extensions/"
PAUSED = "https://w3id.org/xapi/video/verbs/paused"
SEEKED = "https://w3id.org/xapi/video/verbs/seeked"
PLAYED = "https://w3id.org/xapi/video/verbs/played"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
TERMINATED = "http://adlnet.gov/expapi/verbs/terminated"
VIDEO_TYPE = "https://w3id.org/xapi/video/activity-type/video"

Json = dict[str, object]


def extensions(values: Json) -> Json:
    return {EXTENSION + name: value for name, value in values.items()}


def statement(verb: str = PAUSED, *, result: Json | None = None, context: Json | None = None, **more: object) -> Json:
    """A statement of ada's at second 42.6 of 300; `more` replaces parts of it, None takes them away."""
    parts: Json = {
        "id": "9dc99b37-e920-4a68-a066-917faca28949",
        "actor": {"objectType": "Agent", "account": {"name": "ada", "homePage": "https://lms.example.com"}},
        "verb": {"id": verb, "display": {"en-US": "…"}},
        "object": {"id": "uuid://loops-video", "definition": {"type": VIDEO_TYPE}},
        "result": {"extensions": extensions({"time": 42.6} if result is None else result)},
        "context": {
            "extensions": extensions({"length": 300, "session-id": "s-1"} if context is None else context),
            "contextActivities": {"parent": [{"id": "course-v1:loops"}, {"id": "a second parent"}]},
        },
        "timestamp": "2021-11-29T23:09:00.867219+00:00",
        **more,
    }
    return {name: part for name, part in parts.items() if part is not None}


def ping(of: Json) -> Json:
    translated = translate(of)
    assert isinstance(translated, dict)
    return translated


def payload(of: Json) -> Json:
    found = ping(of)["payload"]
    assert isinstance(found, dict)
    return found


def refusal(of: object) -> str:
    with pytest.raises(InvalidInputError) as caught:
        translate(of)
    return str(caught.value)


def test_statement_becomes_the_envelope_of_a_video_ping() -> None:
    envelope = ping(statement(result={"time": 42.6, "played-segments": "0[.]42.6"}))

    assert envelope == {
        "type": "VIDEO_PING",
        "version": "1.1",
        "event_id": "9dc99b37-e920-4a68-a066-917faca28949",
        "user_id": "ada",
        "class_id": "uuid://loops-video",
        "course_id": "course-v1:loops",
        "occurred_at": "2021-11-29T23:09:00.867219+00:00",
        "correlation_id": "s-1",
        "payload": {
            "video_id": "uuid://loops-video",
            "position": 42.6,
            "duration": 300.0,
            "played_segments": [[0.0, 42.6]],
        },
    }
    assert validate(envelope, NOW, "xapi").occurred_at == datetime(2021, 11, 29, 23, 9, 0, 867219, tzinfo=UTC)


@pytest.mark.parametrize("verb", [PAUSED, COMPLETED, TERMINATED])
def test_position_is_the_time_at_which_watching_ended(verb: str) -> None:
    assert payload(statement(verb, result={"time": 10, "time-from": 20}))["position"] == 10


def test_position_of_a_seek_is_where_it_left_not_where_it_jumped_to() -> None:
    jump = statement(SEEKED, result={"time-from": 20, "time-to": 299, "time": 299})
    assert payload(jump)["position"] == 20


@pytest.mark.parametrize(
    ("result", "context"),
    [
        ({"time": 1, "length": 300}, {}),
        ({"time": 1}, {"length": 300}),
        ({"time": 1, "length": None}, {"length": 300}),
    ],
)
def test_duration_is_the_length_in_result_or_context(result: Json, context: Json) -> None:
    assert payload(statement(result=result, context=context))["duration"] == 300


@pytest.mark.parametrize(
    ("played", "expected"),
    [
        ("0[.]42.6[,]43.1[.]124.7", [[0, 42.6], [43.1, 124.7]]),
        ("0[.]42.6[,]43.1", [[0, 42.6]]),  # still being played
        ("38.29", []),
        ("", []),
        ("50[.]60[,]0[.]10", [[50, 60], [0, 10]]),  # in the order they were played
        ("5[.]5", [[5, 5]]),
        ("60[.]50[,]0[.]10", [[0, 10]]),
        ("-1[.]5[,]NaN[.]5[,]0[.]inf[,]a[.]b[,]1[.]2[.]3[,][.][,]0[.]10", [[0, 10]]),
    ],
)
def test_played_segments_are_those_that_were_played_to_an_end(played: str, expected: list[list[float]]) -> None:
    assert payload(statement(result={"time": 1, "played-segments": played}))["played_segments"] == expected


def test_without_played_segments_nothing_is_said_of_them() -> None:
    assert "played_segments" not in payload(statement())


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)).map(sorted)))
def test_segments_come_out_as_they_were_written(spans: list[list[float]]) -> None:
    assert segments("[,]".join(f"{start!r}[.]{end!r}" for start, end in spans)) == spans


@given(st.lists(st.sampled_from(["[.]", "[,]", "[", ".", "-", "1", "25", "nan", "inf", "e9", " "])).map("".join))
def test_any_text_of_segments_comes_to_segments_that_can_have_been_played(played: str) -> None:
    assert all(0 <= start <= end < float("inf") for start, end in segments(played))


def test_learner_without_an_account_is_known_by_mail_address() -> None:
    assert ping(statement(actor={"mbox": "mailto:ada@example.com"}))["user_id"] == "ada@example.com"


@pytest.mark.parametrize(
    ("context", "course_id", "correlation_id"),
    [
        ({"extensions": {EXTENSION + "length": 9}}, None, None),
        ({"extensions": {EXTENSION + "length": 9, EXTENSION + "session-id": 7}}, None, None),
        ({"extensions": {EXTENSION + "length": 9}, "contextActivities": {"parent": []}}, None, None),
        ({"extensions": {EXTENSION + "length": 9}, "contextActivities": {"parent": {"id": "c"}}}, "c", None),
    ],
    ids=["no parents, no session", "odd session", "empty parents", "a bare parent"],
)
def test_course_and_session_are_optional(context: Json, course_id: str | None, correlation_id: str | None) -> None:
    body = statement(result={"time": 1})
    body["context"] = context
    envelope = ping(body)
    assert (envelope["course_id"], envelope["correlation_id"]) == (course_id, correlation_id)
    assert validate(envelope, NOW, "xapi").course_id == course_id


@pytest.mark.parametrize(
    "verb", [PLAYED, "http://adlnet.gov/expapi/verbs/initialized", "http://adlnet.gov/expapi/verbs/voided"]
)
def test_other_verbs_are_skipped_whatever_else_they_lack(verb: str) -> None:
    assert translate({"verb": {"id": verb}, "object": {"objectType": "StatementRef"}}) == NotProgress(verb)


def test_completing_something_else_than_a_video_is_skipped() -> None:
    course = {"id": "course-v1:loops", "definition": {"type": "http://adlnet.gov/expapi/activities/course"}}
    assert translate(statement(COMPLETED, object=course, result={})) == NotProgress(COMPLETED)


def test_object_without_a_definition_is_taken_for_a_video() -> None:
    assert ping(statement(object={"id": "uuid://loops-video"}))["class_id"] == "uuid://loops-video"


@pytest.mark.parametrize(
    ("malformed", "says"),
    [
        ({}, "verb: expected a value, found nothing"),
        ({**statement(), "verb": {"display": {"en": "paused"}}}, "verb.id: expected a value, found nothing"),
        (statement(id=None), "id: expected a value, found nothing"),
        (statement(timestamp=None), "timestamp: expected a value, found nothing"),
        (statement(actor=None), "actor: expected a value, found nothing"),
        (statement(object=None), "object: expected a value, found nothing"),
        (statement(actor={"name": "ada"}), "actor: expected an account or an mbox, found neither"),
        (
            statement(result={}),
            f"result.extensions.{EXTENSION}time: expected the position in seconds, found nothing",
        ),
        (
            statement(SEEKED, result={"time": 1}),
            f"result.extensions.{EXTENSION}time-from: expected the position in seconds, found nothing",
        ),
        (
            statement(result={"time": "soon"}),
            f"result.extensions.{EXTENSION}time: expected a valid number, found 'soon'",
        ),
        (
            statement(context={}),
            f"{EXTENSION}length: expected the length of the video in seconds, found nothing",
        ),
        (
            statement(context={"length": True}),
            f"context.extensions.{EXTENSION}length: expected a valid number, found True",
        ),
    ],
)
def test_malformed_evidence_says_what_was_expected_and_where(malformed: Json, says: str) -> None:
    assert says in refusal(malformed)


@pytest.mark.parametrize("value", [None, 7, "statement", [], [statement()]])
def test_what_is_no_statement_is_refused(value: object) -> None:
    assert "expected" in refusal(value)


@pytest.fixture(scope="module")
def real_statements() -> list[Json]:
    if not REAL.exists():
        pytest.skip(f"{REAL} is not here")
    with gzip.open(REAL, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_real_statements_are_translated_or_skipped_and_none_is_malformed(real_statements: list[Json]) -> None:
    skipped = Counter(result.verb for result in map(translate, real_statements) if isinstance(result, NotProgress))
    assert skipped == {
        PLAYED: 6_603,
        "http://adlnet.gov/expapi/verbs/interacted": 3_546,
        "http://adlnet.gov/expapi/verbs/initialized": 1_348,
        "http://id.tincanapi.com/verb/downloaded": 54,
    }


@pytest.mark.slow
def test_real_pings_are_valid_and_say_who_watched_what(real_statements: list[Json]) -> None:
    # when every statement that is evidence goes through the gate that all events pass
    events = [validate(envelope, NOW, "xapi") for envelope in envelopes(real_statements)]

    # then none is refused, and there are as many as jq and sort count in the file
    assert len({event.key for event in events}) == 10_449
    assert len({(event.user_id, event.class_id) for event in events}) == 2_136
    pings = [(event, json.loads(event.payload)) for event in events]
    far = {(event.user_id, event.class_id) for event, at in pings if at["position"] >= 0.9 * at["duration"]}
    assert len(far) == 1_303


def envelopes(statements: list[Json]) -> Iterator[Json]:
    return (result for result in map(translate, statements) if isinstance(result, dict))
