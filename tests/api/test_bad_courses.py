"""What PUT /v1/courses refuses: each fault gets its 4xx, which says where it is, and nothing is published."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.api.support import COURSE, JSON, MAX_BODY_BYTES, contents, problem
from tests.support.serving import Local

STEP = COURSE["steps"][0]


def course(**fields: object) -> dict[str, Any]:
    return {"json": COURSE | fields}


def step(**fields: object) -> dict[str, Any]:
    """A course with one step, which says something else."""
    return course(steps=[STEP | fields])


BAD_COURSES: Mapping[str, tuple[dict[str, Any], int, str]] = {
    "broken JSON": ({"content": b'{"title"', "headers": JSON}, 400, "body: expected JSON, found EOF"),
    "an empty body": ({"content": b"", "headers": JSON}, 400, "body: expected JSON, found EOF"),
    "NaN": ({"content": b'{"title": NaN}', "headers": JSON}, 400, "body: expected JSON, found"),
    "an array": ({"json": [COURSE]}, 422, "the value: expected an object, found [{"),
    "another content type": ({"content": b"{}"}, 415, "Content-Type: expected application/json, found none"),
    "NDJSON": (
        {"content": b"{}", "headers": {"Content-Type": "application/x-ndjson"}},
        415,
        "Content-Type: expected application/json, found application/x-ndjson",
    ),
    "a large body": (
        {"content": b" " * (MAX_BODY_BYTES + 1), "headers": JSON},
        413,
        f"body: expected at most {MAX_BODY_BYTES} bytes",
    ),
    "no title": ({"json": {"steps": []}}, 422, "title: expected a value, found nothing"),
    "an empty title": (course(title=""), 422, "title: expected at least 1 character, found ''"),
    "a title of two lines": (course(title="a\nb"), 422, "title: expected text that matches"),
    "a title that is a number": (course(title=1), 422, "title: expected a valid string, found 1"),
    "no steps": ({"json": {"title": "t"}}, 422, "steps: expected a value, found nothing"),
    "steps by name": (course(steps={"intro": STEP}), 422, "steps: expected an array, found {"),
    "too many steps": (
        course(steps=[STEP | {"class_id": str(number)} for number in range(1001)]),
        422,
        "steps: expected at most 1000 items",
    ),
    "a field that there is not": (course(stepz=[]), 422, "stepz: expected no field of this name, found []"),
    "the course_id in the body": (course(course_id="x"), 422, "course_id: expected no field of this name"),
    "a step that is none": (course(steps=["intro"]), 422, "steps.0: expected an object, found 'intro'"),
    "a step without class": (course(steps=[{"title": "t"}]), 422, "steps.0.class_id: expected a value"),
    "a class_id with NUL": (step(class_id="\x00"), 422, "steps.0.class_id: expected text that matches"),
    "a misspelt field": (step(quizid="q"), 422, "steps.0.quizid: expected no field of this name, found 'q'"),
    "a step that asks for nothing": (step(video_id=None), 422, "steps.0: expected a video_id or a quiz_id, found"),
    "a class twice": (course(steps=[STEP, STEP]), 422, "steps: expected each class_id once, not 'intro' again"),
    "a pass_score above all": (step(max_score=5, pass_score=6), 422, "a pass_score of at most max_score (5), not 6"),
    "a max_score of nothing": (step(max_score=0), 422, "steps.0.max_score: expected greater than 0, found 0"),
    "a max_score in words": (step(max_score="10"), 422, "steps.0.max_score: expected a valid number, found '10'"),
    "a max_score beyond any": (
        {"content": json.dumps(step(max_score=-7)["json"]).replace("-7", "1e999"), "headers": JSON},
        422,
        "steps.0.max_score: expected a finite number, found inf",
    ),
    "a score_label with a tab": (step(score_label="\t"), 422, "steps.0.score_label: expected text that matches"),
}


@pytest.mark.parametrize("case", BAD_COURSES)
def test_what_is_no_course_is_not_published(lived_in: Local, case: str) -> None:
    request, status, says = BAD_COURSES[case]
    before = contents(lived_in)
    problem(lived_in.put("/v1/courses/python-101", **request), status, says)
    problem(lived_in.put("/v1/courses/new", **request), status, says)
    assert contents(lived_in) == before


@pytest.mark.parametrize(("course_id", "says"), [("", "at least 1"), ("%00", "text that"), ("x" * 256, "at most 255")])
def test_what_is_no_id_is_no_course(lived_in: Local, course_id: str, says: str) -> None:
    before = contents(lived_in)
    problem(lived_in.put(f"/v1/courses/{course_id}", json=COURSE), 422, f"path.course_id: expected {says}")
    assert contents(lived_in) == before
