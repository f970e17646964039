"""The exam system's entries: what each amounts to, and which are refused."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.envelope import validate
from eventstore.errors import RequestError, UnresolvedReferenceError
from integrations.inbound.mapping import ClassMapping, SystemMapping
from integrations.inbound.message import Message
from integrations.inbound.reference_data import Fact, Profile, ProfileField, Reference
from integrations.inbound.translator import TranslationContext
from integrations.redis.translate import names, translate
from signals.course import Step
from tests.integrations.redis_entries import (
    CLASS_DELETED,
    CLASS_UPSERT,
    EXAM_ASSIGNMENT_CREATED,
    EXAM_RESULT_COMPLETED,
    FIRST_ID,
    LEVEL_UPSERT,
    MODULE_UPSERT,
    SUBJECT_UPSERT,
    USER_UPSERT,
    Payload,
    message,
    result,
)
from tests.integrations.worlds import LOOPS, NOW, PYTHON, course, mapped, unknown_fields, world

SAID_AT = datetime(2026, 2, 25, 6, 13, 20, tzinfo=UTC)
"""When the entry with the FIRST_ID was added."""

CLASS_1 = mapped("redis", "class", "1", ClassMapping("loops"))
MODULE_15 = mapped("redis", "module", "15", ClassMapping("loops"))
BOTH = SystemMapping(
    "redis", {"class": {"1": ClassMapping("classroom", pass_score=50)}, "module": {"15": ClassMapping("loops")}}
)
ASSIGNMENT = Reference("redis", "assignment", "100", None, json.dumps({"user_id": "42", "module_id": "15"}), SAID_AT)


law = settings(deadline=None)


def submitted(sent: Message, known: TranslationContext) -> dict[str, object]:
    effects = translate(sent, known)
    assert effects.envelope is not None
    assert effects.facts == ()
    return dict(effects.envelope)


def payload(sent: Message, known: TranslationContext) -> object:
    return submitted(sent, known)["payload"]


def name(sent: Message) -> Profile:
    fact = translate(sent, world(SystemMapping("redis"))).facts[0]
    assert isinstance(fact, Profile)
    return fact


def reason(sent: Message, known: TranslationContext) -> str:
    with pytest.raises(UnresolvedReferenceError) as caught:
        translate(sent, known)
    return str(caught.value)


def test_given_a_mapped_class_when_a_result_comes_then_it_is_a_quiz_submit() -> None:
    envelope = submitted(result(), world(CLASS_1))

    assert envelope == {
        "type": "QUIZ_SUBMIT",
        "version": "1.0",
        "event_id": "60d142e3-12ae-51ae-8e82-f3b9c539be0c",  # frozen: by another, results that come again count twice
        "user_id": "42",
        "class_id": "loops",
        "course_id": "python-101",
        "occurred_at": "2026-02-06T10:45:00+00:00",
        "correlation_id": f"cbt_events/{FIRST_ID}",
        "payload": {"quiz_id": "loops-quiz", "score": 85.5, "max_score": 100.0, "passed": True},
    }
    assert validate(envelope, NOW, "redis").occurred_at == datetime(2026, 2, 6, 10, 45, tzinfo=UTC)


def test_given_a_mapped_module_when_its_assignment_is_known_then_the_result_is_of_the_modules_class() -> None:
    assert submitted(result(), world(MODULE_15, references=[ASSIGNMENT]))["class_id"] == "loops"
    assert submitted(result(), world(BOTH, references=[ASSIGNMENT]))["class_id"] == "loops"


def test_given_a_mapped_module_when_the_assignment_is_not_known_then_it_is_waited_for() -> None:
    """Else a result that overtakes its assignment would count for the class, and one that does not for the module."""
    said = reason(result(), world(BOTH))
    assert "assignment 100: expected the assignment's exam_assignment_created" in said
    assert list(names(result())) == [("assignment", "100")]


def test_given_other_modules_in_the_file_when_the_result_is_of_none_of_them_then_the_class_counts() -> None:
    other = SystemMapping("redis", {"class": {"1": ClassMapping("loops")}, "module": {"16": ClassMapping("lists")}})
    assert submitted(result(), world(other, references=[ASSIGNMENT]))["class_id"] == "loops"


@pytest.mark.parametrize(
    "step", [Step("1", "A class of ours", pass_score=50), Step("x", "X", quiz_id="1", pass_score=50)]
)
def test_given_no_mapping_when_a_class_or_quiz_of_ours_has_that_id_then_it_is_meant(step: Step) -> None:
    assert submitted(result(), world(SystemMapping("redis"), course("c", [step])))["class_id"] == step.class_id


def test_given_no_mapping_when_nothing_has_that_id_then_the_reason_says_what_to_add() -> None:
    assert reason(result(), world(SystemMapping("redis"))) == (
        "redis.class.1: expected the table [redis.class.1] in the mapping file, or a published class, or one class "
        "with a quiz, of this id, found neither"
    )


def test_given_a_quiz_in_two_classes_when_only_its_id_is_known_then_it_is_unresolved() -> None:
    twice = course("c", [Step("a", "A", quiz_id="1"), Step("b", "B", quiz_id="1")])
    assert reason(result(), world(SystemMapping("redis"), twice)).endswith("found its quiz in the classes ['a', 'b']")


def test_given_a_class_in_two_courses_when_the_file_names_one_then_its_step_marks_the_exam() -> None:
    strict = course("b-course", [Step("loops", "Loops", pass_score=90)])
    known = world(mapped("redis", "class", "1", ClassMapping("loops", course_id="b-course")), PYTHON, strict)
    envelope = submitted(result(), known)
    assert envelope["course_id"] == "b-course"
    assert envelope["payload"] == {"quiz_id": "1", "score": 85.5, "max_score": 100.0, "passed": False}


def test_given_a_class_in_two_courses_when_the_file_names_none_then_the_event_names_none() -> None:
    known = world(CLASS_1, PYTHON, course("b-course", [LOOPS]))
    assert submitted(result(), known)["course_id"] is None


@pytest.mark.parametrize(
    ("place", "step", "max_score"),
    [
        (ClassMapping("loops", max_score=20), LOOPS._replace(max_score=30), 20),
        (ClassMapping("loops"), LOOPS._replace(max_score=30), 30),
        (ClassMapping("loops"), LOOPS, 100),
    ],
)
def test_a_score_is_of_what_the_file_says_else_the_step_else_in_percent(
    place: ClassMapping, step: Step, max_score: float
) -> None:
    known = world(mapped("redis", "class", "1", place), course("c", [step]))
    said = payload(result(score=17), known)
    assert said == {"quiz_id": "loops-quiz", "score": 17, "max_score": max_score, "passed": False}


@pytest.mark.parametrize(("pass_score", "passed"), [(85.5, True), (85.6, False), (0, True)])
def test_the_file_says_what_passes_before_the_step_does(pass_score: float, passed: bool) -> None:
    known = world(mapped("redis", "class", "1", ClassMapping("loops", pass_score=pass_score)))
    assert payload(result(), known) == {
        "quiz_id": "loops-quiz",
        "score": 85.5,
        "max_score": 100.0,
        "passed": passed,
    }


def test_given_neither_says_what_passes_when_a_result_comes_then_it_is_unresolved() -> None:
    known = world(CLASS_1, course("c", [LOOPS._replace(pass_score=None)]))
    assert reason(result(), known) == (
        "redis.class.1: expected a pass_score in the table [redis.class.1] of the mapping file, or in the step of "
        "class 'loops', found neither"
    )


@pytest.mark.parametrize(
    ("event", "sent", "facts"),
    [
        (
            "class_upsert",
            CLASS_UPSERT,
            [Reference("redis", "class", "1", "Class 10A", '{"school_id":"100","is_active":true}', SAID_AT)],
        ),
        ("class_deleted", CLASS_DELETED, [Reference("redis", "class", "1", None, "{}", SAID_AT, is_deleted=True)]),
        ("subject_upsert", SUBJECT_UPSERT, [Reference("redis", "subject", "5", "Mathematics", "{}", SAID_AT)]),
        ("level_upsert", LEVEL_UPSERT, [Reference("redis", "level", "10", "Grade 10", "{}", SAID_AT)]),
        (
            "module_upsert",
            MODULE_UPSERT,
            [Reference("redis", "module", "15", "Algebra Basics", '{"subject_id":"5","level_id":"10"}', SAID_AT)],
        ),
        (
            "user_upsert",
            USER_UPSERT,
            [
                Profile("42", ProfileField.NAME, "John Doe", SAID_AT),
                Profile("42", ProfileField.EMAIL, "student@school.com", SAID_AT),
                Profile("42", ProfileField.ROLE, "student", SAID_AT),
            ],
        ),
        (
            "exam_assignment_created",
            EXAM_ASSIGNMENT_CREATED,
            [
                Reference(
                    "redis",
                    "assignment",
                    "100",
                    None,
                    '{"user_id":"42","module_id":"15","scheduled_time":"2026-02-07T09:00:00Z","duration_mins":60,'
                    '"question_count":20}',
                    SAID_AT,
                )
            ],
        ),
    ],
)
def test_what_is_told_becomes_facts(event: str, sent: Payload, facts: list[Fact]) -> None:
    effects = translate(message(event, sent), world(SystemMapping("redis")))
    assert effects.envelope is None
    assert list(effects.facts) == facts
    assert list(names(message(event, sent))) == []


@pytest.mark.parametrize(
    ("event", "sent", "fields", "expected"),
    [
        ("class_upsert", "{", {}, "payload: expected Invalid JSON"),
        ("class_upsert", "[]", {}, "payload: expected an object, found []"),
        ("class_upsert", {"name": "A"}, {}, "payload.id: expected a value, found nothing"),
        ("class_upsert", {"id": True, "name": "A"}, {}, "payload.id: expected a valid string, found True"),
        ("class_upsert", {"id": 1, "name": "a\0b"}, {}, "payload.name: expected text that matches"),
        ("class_upsert", CLASS_UPSERT, {"version": "2.0"}, "a version of class_upsert that is known here (1.0)"),
        ("class_upsert", CLASS_UPSERT, {"version": "one"}, "version: expected text that matches"),
        ("class_renamed", CLASS_UPSERT, {}, "event: expected class_upsert or class_deleted or"),
        ("exam_result_completed", {**EXAM_RESULT_COMPLETED, "score": -1}, {}, "payload.score: expected greater than"),
        (
            "exam_result_completed",
            {**EXAM_RESULT_COMPLETED, "score": "85"},
            {},
            "payload.score: expected a valid number",
        ),
        ("exam_result_completed", {**EXAM_RESULT_COMPLETED, "completed_at": 1772000000}, {}, "payload.completed_at"),
    ],
)
def test_what_breaks_the_contract_is_refused_with_the_reason(
    event: str, sent: Payload | str, fields: dict[str, str], expected: str
) -> None:
    with pytest.raises(RequestError, match=r".") as caught:
        message(event, sent, **fields)
    assert expected in str(caught.value)


@pytest.mark.parametrize("entry_id", ["1772366700001-0", "18446744073709551615-18446744073709551615"])
def test_an_entry_from_the_future_is_refused_since_it_would_be_the_last_word_until_then(entry_id: str) -> None:
    with pytest.raises(RequestError, match="the entry's id: expected a time at most 5 minutes after"):
        message("class_upsert", CLASS_UPSERT, entry_id)


@law
@given(
    others=unknown_fields,
    order=st.permutations(list(EXAM_RESULT_COMPLETED)),
    indent=st.none() | st.integers(0, 4),
    minor=st.integers(0, 9),
    milliseconds=st.integers(0, 1772000000000),
    zone=st.sampled_from(["2026-02-06T10:45:00Z", "2026-02-06T10:45:00.000+00:00", "2026-02-06T17:45:00+07:00"]),
)
def test_a_result_that_comes_again_in_whatever_writing_is_the_same_event(
    others: dict[str, object], order: list[str], indent: int | None, minor: int, milliseconds: int, zone: str
) -> None:
    fields = {**EXAM_RESULT_COMPLETED, "completed_at": zone}
    again = message(
        "exam_result_completed",
        json.dumps({name: fields[name] for name in order} | others, indent=indent),
        f"{milliseconds}-1",
        version=f"1.{minor}",
    )
    first = submitted(result(), world(CLASS_1))
    assert submitted(again, world(CLASS_1)) == first | {"correlation_id": again.message_id}
    assert again.key != result().key


@law
@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_each_assignment_is_another_event(one: int, other: int) -> None:
    ids = {submitted(result(assignment_id=each), world(CLASS_1))["event_id"] for each in (one, other)}
    assert len(ids) == len({one, other})


@law
@given(st.lists(st.tuples(st.integers(0, 1772000000000), st.integers(0, 999)), min_size=2, max_size=2, unique=True))
def test_what_was_added_later_was_said_later(added: list[tuple[int, int]]) -> None:
    first, later = (message("user_upsert", USER_UPSERT, f"{ms}-{count}") for ms, count in sorted(added))
    assert name(first).said_at < name(later).said_at
