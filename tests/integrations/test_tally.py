"""Tally's responses: whatever a form asks, who sat which quiz and how it went, or a clear reason."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import to_json

from eventstore.envelope import validate
from eventstore.errors import UnresolvedReferenceError
from integrations.contracts.tally import FormResponse
from integrations.inbound.mapping import SystemMapping
from integrations.inbound.source import Delivery
from integrations.tally.decode import decode
from integrations.tally.translate import quiz_submit, translate
from signals.course import CourseHistory, Step
from signals.course_catalog import CourseCatalog
from tests.integrations.tally_payloads import COURSE_QUIZ, EVERY_FIELD, Json, form_response, question
from tests.integrations.worlds import course, world

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOOPS = Step("loops", "Loops", quiz_id=COURSE_QUIZ, max_score=10, pass_score=7)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


PYTHON = course("python-101", [LOOPS])


def translated(body: Json, *courses: CourseHistory) -> dict[str, object]:
    return quiz_submit(FormResponse.model_validate(body), CourseCatalog(courses or (PYTHON,)))


def outcome(body: Json, *courses: CourseHistory) -> object:
    return translated(body, *courses)["payload"]


def reason(body: Json, *courses: CourseHistory) -> str:
    with pytest.raises(UnresolvedReferenceError) as caught:
        quiz_submit(FormResponse.model_validate(body), CourseCatalog(courses))
    return str(caught.value)


def test_response_becomes_the_envelope_of_a_quiz_submit() -> None:
    envelope = translated(form_response())

    assert envelope == {
        "type": "QUIZ_SUBMIT",
        "version": "1.0",
        "event_id": "45208d80-e4e9-5e82-a238-e6f20e90db7a",  # frozen: by another, retries count twice
        "user_id": "ada",
        "class_id": "loops",
        "course_id": "python-101",
        "occurred_at": "2023-06-28T15:00:21+00:00",
        "correlation_id": "a4cb511e-d513-4fa5-baee-b815d718dfd1",
        "payload": {"quiz_id": COURSE_QUIZ, "score": 8.0, "max_score": 10, "passed": True},
    }
    assert validate(envelope, NOW, "tally").occurred_at == datetime(2023, 6, 28, 15, 0, 21, tzinfo=UTC)


def test_a_delivery_is_read_as_a_message_and_translated() -> None:
    body = to_json(form_response())

    message = decode(Delivery("", "", body, NOW), NOW)

    assert message.key == ("tally", "2wgx4n")
    assert (message.type, message.topic, message.body) == ("FORM_RESPONSE", COURSE_QUIZ, body.decode())
    assert translate(message, world(SystemMapping("tally"), PYTHON)).envelope == translated(form_response())


def test_retry_under_another_event_id_is_the_same_event() -> None:
    first, retry = (
        form_response(event_id="e1"),
        form_response(event_id="e2", delivered_at="2023-06-28T16:00:00Z"),
    )
    assert translated(first)["event_id"] == translated(retry)["event_id"]
    assert translated(first)["event_id"] != translated(form_response(response_id="other"))["event_id"]


def test_a_response_without_a_time_happened_when_it_was_delivered() -> None:
    body = form_response(delivered_at="2023-06-28T17:00:00+02:00")
    del body["data"]["createdAt"]  # type: ignore[attr-defined]
    assert translated(body)["occurred_at"] == "2023-06-28T15:00:00+00:00"


@pytest.mark.parametrize("fields", EVERY_FIELD.values(), ids=EVERY_FIELD)
def test_every_type_of_question_is_accepted(fields: list[Json]) -> None:
    assert translated(form_response(questions=fields)) == translated(form_response())


def test_all_types_of_questions_are_accepted_in_one_form() -> None:
    everything = chain.from_iterable(EVERY_FIELD.values())
    assert translated(form_response(questions=everything)) == translated(form_response())


@given(st.lists(st.builds(question, st.text(), st.text() | st.none(), json_values), max_size=4))
def test_whatever_other_fields_say_changes_nothing(others: list[Json]) -> None:
    assert translated(form_response(questions=others)) == translated(form_response())


@given(json_values, json_values, json_values)
def test_any_label_type_and_value_is_a_field(label: object, field_type: object, value: object) -> None:
    odd = {"label": label, "type": field_type, "value": value}
    assert translated(form_response(questions=[odd])) == translated(form_response())


@given(st.sampled_from(["Score", "max_score", "passed"]), json_values)
def test_whatever_a_field_of_ours_says_it_is_read_or_unresolved(label: str, value: object) -> None:
    body = FormResponse.model_validate(form_response(calculated={"Score": 8, label: value}))
    with suppress(UnresolvedReferenceError):
        payload = quiz_submit(body, CourseCatalog([PYTHON]))["payload"]
        assert isinstance(payload, dict)
        assert [type(payload[key]) for key in ("score", "passed")] == [float, bool]


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (7, 7.0),
        (7.5, 7.5),
        ("7", 7.0),
        (" 7.5 ", 7.5),
        ("1e1", 10.0),
        (".5", 0.5),
        (0, 0.0),
        ("0", 0.0),
        (-1, -1.0),
    ],
)
def test_score_is_a_number_or_a_numeric_string(value: object, score: float) -> None:
    payload = outcome(form_response(calculated={"Score": value}))
    assert payload == {"quiz_id": COURSE_QUIZ, "score": score, "max_score": 10, "passed": score >= 7}


@pytest.mark.parametrize(
    "value",
    [
        "seven",
        "7,5",
        "1_000",
        "NaN",
        "inf",
        "1e999",
        float("nan"),
        float("inf"),
        10**400,
        True,
        [7],
        {"value": 7},
    ],
    ids=lambda value: f"{value!r:.9}",
)
def test_what_is_no_finite_number_is_no_score(value: object) -> None:
    message = reason(form_response(calculated={"Score": value}), PYTHON)
    assert message.startswith(f"response '2wgx4n' to form '{COURSE_QUIZ}', Score: expected a number, found ")


def test_score_is_read_from_the_label_of_the_step() -> None:
    points = course("c", [LOOPS._replace(score_label="Points")])
    assert translated(form_response(calculated={"Score": 1, " points": 9}), points)["payload"] == {
        "quiz_id": COURSE_QUIZ,
        "score": 9.0,
        "max_score": 10,
        "passed": True,
    }


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        ("true", True),
        ("False", False),
        (" YES ", True),
        ("no", False),
        ("1", True),
        ("0", False),
    ],
)
def test_form_may_say_itself_whether_that_passes(said: object, *, passed: bool) -> None:
    # given a score that by the step's pass_score would have come out the other way
    score = 0 if passed else 10
    payload = outcome(form_response(calculated={"Score": score, "passed": said}))
    assert payload == {"quiz_id": COURSE_QUIZ, "score": score, "max_score": 10, "passed": passed}


def test_fields_win_over_the_step_and_calculated_ones_over_those_of_the_link() -> None:
    from_link = {"user_id": "ada", "max_score": "5", "passed": "true"}
    assert outcome(form_response(hidden=from_link)) == {
        "quiz_id": COURSE_QUIZ,
        "score": 8.0,
        "max_score": 5.0,
        "passed": True,
    }
    assert outcome(form_response(hidden=from_link, calculated={"Score": 8, "max_score": 20, "passed": False})) == {
        "quiz_id": COURSE_QUIZ,
        "score": 8.0,
        "max_score": 20.0,
        "passed": False,
    }


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_field_says_nothing(empty: object) -> None:
    hidden = {"user_id": "ada", "class_id": empty, "course_id": empty, "max_score": empty, "passed": empty}
    assert translated(form_response(hidden=hidden)) == translated(form_response())


def test_an_id_may_come_as_a_number() -> None:
    assert translated(form_response(hidden={"user_id": 42}))["user_id"] == "42"


def test_an_answer_is_taken_for_no_score_and_no_learner() -> None:
    typed_in = [question("INPUT_TEXT", "user_id", "mallory"), question("INPUT_NUMBER", "Score", 10)]
    assert "user_id: expected" in reason(form_response(hidden={}, questions=typed_in), PYTHON)
    assert "Score: expected" in reason(form_response(calculated={}, questions=typed_in), PYTHON)


def test_a_class_that_the_form_names_needs_no_course() -> None:
    hidden = {"user_id": "ada", "class_id": "elsewhere", "course_id": "later"}
    calculated = {"Score": 3, "max_score": 4, "passed": "no"}
    envelope = quiz_submit(
        FormResponse.model_validate(form_response(hidden=hidden, calculated=calculated)), CourseCatalog()
    )
    assert (envelope["class_id"], envelope["course_id"]) == ("elsewhere", "later")
    assert envelope["payload"] == {"quiz_id": COURSE_QUIZ, "score": 3.0, "max_score": 4.0, "passed": False}


EASY = course("b", [LOOPS._replace(pass_score=1)])
HARD = course("a", [LOOPS._replace(pass_score=9)])
OTHER = course("c", [LOOPS._replace(class_id="recursion", pass_score=9)])


@pytest.mark.parametrize(
    ("courses", "hidden", "expected"),
    [
        ([EASY], {}, ("loops", "b", True)),
        ([EASY, HARD], {}, ("loops", None, False)),  # the smallest course_id's step counts
        ([HARD, EASY], {}, ("loops", None, False)),
        ([HARD, EASY], {"course_id": "b"}, ("loops", "b", True)),
        ([EASY], {"course_id": "unpublished"}, ("loops", "unpublished", True)),
        ([EASY, OTHER], {"class_id": "recursion"}, ("recursion", "c", False)),
        ([EASY, OTHER], {"class_id": "loops"}, ("loops", "b", True)),
        ([EASY, OTHER], {"course_id": "c"}, ("recursion", "c", False)),
    ],
)
def test_class_course_and_pass_score_come_from_the_step_that_fits(
    courses: list[CourseHistory], hidden: dict[str, object], expected: tuple[str, str | None, bool]
) -> None:
    envelope = translated(form_response(hidden={"user_id": "ada", **hidden}), *courses)
    payload = envelope["payload"]
    assert isinstance(payload, dict)
    assert (envelope["class_id"], envelope["course_id"], payload["passed"]) == expected


def test_only_the_version_in_force_counts() -> None:
    moved = course("c", [LOOPS], [LOOPS._replace(class_id="loops-2")])
    assert translated(form_response(), moved)["class_id"] == "loops-2"


@pytest.mark.parametrize(
    ("body", "courses", "says"),
    [
        (
            form_response(hidden={"uid": "ada"}),
            [PYTHON],
            "user_id: expected a learner's id in .* among \\['uid'\\]",
        ),
        (form_response(hidden={"user_id": ["ada"]}), [PYTHON], "user_id: expected text, found \\['ada'\\]"),
        (form_response(), [], f"class_id: expected .*'{COURSE_QUIZ}'.*, found neither"),
        (
            form_response(),
            [EASY, OTHER],
            "class_id: expected .*, found the classes \\['loops', 'recursion'\\]",
        ),
        (
            form_response(calculated={"Points": 8}),
            [PYTHON],
            "Score: expected the score in .* among \\['Points'\\]",
        ),
        (form_response(), [course("c", [LOOPS._replace(max_score=None)])], "max_score: expected .*'loops'"),
        (form_response(), [course("c", [LOOPS._replace(pass_score=None)])], "passed: expected .*'loops'"),
        (
            form_response(calculated={"Score": 8, "max_score": "ten"}),
            [PYTHON],
            "max_score: expected a number",
        ),
        (
            form_response(calculated={"Score": 8, "passed": "maybe"}),
            [PYTHON],
            "passed: expected true or false",
        ),
        (
            form_response(calculated={"Score": 8, "passed": 2}),
            [PYTHON],
            "passed: expected true or false, found 2",
        ),
    ],
)
def test_what_cannot_be_resolved_says_what_is_missing_and_where(
    body: Json, courses: list[CourseHistory], says: str
) -> None:
    with pytest.raises(UnresolvedReferenceError, match=f"^response '2wgx4n' to form '{COURSE_QUIZ}', {says}"):
        quiz_submit(FormResponse.model_validate(body), CourseCatalog(courses))


def rename_event(body: Json) -> None:
    body["eventType"] = "FORM_CREATED"


def drop_data(body: Json) -> None:
    del body["data"]


def drop_response_id(body: Json) -> None:
    del body["data"]["responseId"]  # type: ignore[attr-defined]


def empty_form_id(body: Json) -> None:
    body["data"]["formId"] = ""  # type: ignore[index]


def fields_by_name(body: Json) -> None:
    body["data"]["fields"] = {"Score": 8}  # type: ignore[index]


def time_without_offset(body: Json) -> None:
    body["data"]["createdAt"] = "2023-06-28T15:00:21"  # type: ignore[index]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (rename_event, ("eventType",)),
        (drop_data, ("data",)),
        (drop_response_id, ("data", "responseId")),
        (empty_form_id, ("data", "formId")),
        (fields_by_name, ("data", "fields")),
        (time_without_offset, ("data", "createdAt")),
    ],
)
def test_what_no_translation_can_do_without_is_asked_for(spoil: Callable[[Json], None], where: tuple[str, ...]) -> None:
    body = form_response()
    spoil(body)
    with pytest.raises(ValidationError) as caught:
        FormResponse.model_validate(body)
    assert where in [error["loc"] for error in caught.value.errors()]
