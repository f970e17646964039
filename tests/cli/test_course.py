"""`lms-progress course`: a course file is checked to the last field, published, and granted to all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from signals.course import Step
from signals.course_input import CourseBody
from tests.cli.support import envelope, ndjson, query, run

STEPS: list[dict[str, Any]] = [
    {"class_id": "a", "title": "Watch", "video_id": "v"},
    {"class_id": "b", "title": "Answer", "quiz_id": "q", "max_score": 10, "pass_score": 6, "score_label": "Points"},
]
COURSE = {"course_id": "c", "title": "A course", "steps": STEPS}


def publish(url: str, tmp_path: Path, **changes: object) -> Any:
    file = tmp_path / "course.json"
    file.write_text(json.dumps(COURSE | changes))
    return run(url, "course", "publish", file)


def test_publishing_says_which_version_is_in_force(empty_database: Callable[[], str], tmp_path: Path) -> None:
    url = empty_database()

    # when it is published, published again unchanged, and changed
    first = publish(url, tmp_path)
    again = publish(url, tmp_path)
    changed = publish(url, tmp_path, title="Another title")

    # then
    assert [done.code for done in (first, again, changed)] == [0, 0, 0]
    assert first.out.startswith("c: published version 1, 2 steps, in force since 20")
    assert again.out == first.out.replace("published version 1,", "nothing changed, version 1 stays,")
    assert changed.out.startswith("c: published version 2, 2 steps, in force since 20")
    assert query(url, "SELECT version, title FROM lms_course_version ORDER BY version") == [
        (1, "A course"),
        (2, "Another title"),
    ]


def test_learners_who_were_there_before_have_what_it_grants_when_the_command_ends(database_url: str) -> None:
    # given more learners than are granted in one go
    learners = [f"learner-{n}" for n in range(1_200)]
    assert run(database_url, "import", "-", stdin=ndjson(envelope(user_id=user) for user in learners)).code == 0

    # when
    course = {"course_id": "c", "title": "T", "steps": STEPS[:1]}
    done = run(database_url, "course", "publish", "-", stdin=json.dumps(course).encode())

    # then
    assert done.code == 0
    completed = "SELECT count(*) FROM lms_signal WHERE type = 'COURSE_COMPLETED' AND course_id = 'c'"
    assert query(database_url, completed) == [(1_200,)]


def test_courses_are_listed(new_sqlite: Callable[[], str], tmp_path: Path) -> None:
    # given
    url = new_sqlite()
    none = run(url, "course", "list")
    publish(url, tmp_path, course_id="z", title="The last [bold]one", steps=[])
    publish(url, tmp_path, course_id="b-" * 100)

    # when
    done = run(url, "course", "list")

    # then
    assert none.out == "There are no courses yet: `lms-progress course publish FILE` publishes one.\n"
    header, first, second = done.out.splitlines()
    assert header.split() == ["Course", "Version", "Steps", "In", "force", "since", "Title"]
    assert first.split()[:3] == ["b-" * 100, "1", "2"]
    assert second.split()[:3] == ["z", "1", "0"]
    assert second.rstrip().endswith("The last [bold]one")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "course.json: expected JSON, found "),
        (b"[]", "the value: expected "),
        (b'{"title": "T", "steps": []}', "course_id: expected a value, found nothing"),
        (
            b'{"course_id": "c", "title": "T", "steps": [], "stps": []}',
            "stps: expected no field of this name, found []",
        ),
        (
            b'{"course_id": "c", "title": "T", "steps": [{"class_id": "a", "title": "A"}]}',
            "steps.0: expected a video_id",
        ),
        (b'{"course_id": "c", "title": "T\\u0000", "steps": []}', "title: expected "),
    ],
)
def test_a_course_file_that_is_no_good_is_refused_with_the_place(
    new_sqlite: Callable[[], str], tmp_path: Path, content: bytes, reason: str
) -> None:
    url, file = new_sqlite(), tmp_path / "course.json"
    file.write_bytes(content)

    done = run(url, "course", "publish", file)

    assert (done.code, done.out) == (1, "")
    assert reason in done.err
    assert query(url, "SELECT count(*) FROM lms_course_version") == [(0,)]


def test_what_is_published_is_what_the_engine_judges_by() -> None:
    body = CourseBody.model_validate({"title": "T", "steps": STEPS})

    assert body.to_steps() == (
        Step("a", "Watch", video_id="v"),
        Step("b", "Answer", quiz_id="q", max_score=10, pass_score=6, score_label="Points"),
    )


def test_the_example_that_is_shown_can_be_published() -> None:
    for example in CourseBody.model_json_schema()["examples"]:
        assert CourseBody.model_validate(example).to_steps()


@pytest.mark.parametrize("max_score", [None, 6, 10.5])
def test_all_points_may_be_needed_to_pass(max_score: float | None) -> None:
    step = {"class_id": "a", "title": "A", "quiz_id": "q", "max_score": max_score, "pass_score": 6}

    assert CourseBody.model_validate({"title": "T", "steps": [step]}).to_steps()[0].pass_score == 6


@pytest.mark.parametrize(
    ("step", "where"),
    [
        ({"quiz_id": ""}, ("quiz_id",)),
        ({"video_id": "v" * 256}, ("video_id",)),
        ({"video_id": 7}, ("video_id",)),
        ({"class_id": "a\n"}, ("class_id",)),
        ({"title": ""}, ("title",)),
        ({"max_score": 0}, ("max_score",)),
        ({"max_score": "10"}, ("max_score",)),
        ({"pass_score": -1}, ("pass_score",)),
        ({"pass_score": float("inf")}, ("pass_score",)),
        ({"max_score": 10, "pass_score": 10.5}, ()),
        ({"passscore": 5}, ("passscore",)),
    ],
)
def test_a_step_that_is_no_good_is_refused_with_the_place(step: dict[str, object], where: tuple[str, ...]) -> None:
    good = {"class_id": "a", "title": "A", "quiz_id": "q"}

    with pytest.raises(ValidationError) as refused:
        CourseBody.model_validate({"title": "T", "steps": [good | {"class_id": "b"}, good | step]})

    assert [error["loc"] for error in refused.value.errors()] == [("steps", 1, *where)]


def steps(number: int, repeated: int = 0) -> list[dict[str, str]]:
    return [{"class_id": f"c{max(repeated, n)}", "title": "T", "video_id": "v"} for n in range(number)]


@pytest.mark.parametrize("bad", [steps(1_001), steps(3, repeated=1)], ids=["too many", "one class twice"])
def test_a_course_has_1000_steps_at_most_and_each_class_once(bad: list[dict[str, str]]) -> None:
    assert len(CourseBody.model_validate({"title": "T", "steps": steps(1_000)}).steps) == 1_000

    with pytest.raises(ValidationError) as refused:
        CourseBody.model_validate({"title": "T", "steps": bad})

    assert [error["loc"] for error in refused.value.errors()] == [("steps",)]
