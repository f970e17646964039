"""Courses over HTTP: publishing a version, or none if nothing changed; ids of any kind; lists in pages."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.api.support import COURSE, NOW, Json, accepted, contents, ping, problem
from tests.engine.support import HandClock
from tests.support.serving import Local

ODD_IDS = (
    "https://example.com/courses/1?run=2&x=a+b#top",
    "course-v1:edX+DemoX+2026",
    "a/b//c",
    "/rooted/",
    "100%",
    "100%25",
    "a b",
    " a ",
    "ünïcode ☕ 学习",
    'it\'s "quoted" \\ <b>',
    "progress",
    "x" * 255,
)


def shown(steps: list[Json]) -> list[Json]:
    """Steps as they are read: with everything that was left out as null."""
    optional = ("video_id", "quiz_id", "max_score", "pass_score", "score_label")
    return [dict.fromkeys(optional) | step for step in steps]


def test_a_course_is_read_as_it_was_published(api: Local) -> None:
    published = accepted(api.put("/v1/courses/python-101", json=COURSE))

    assert published == {
        "course_id": "python-101",
        "version": 1,
        "title": COURSE["title"],
        "steps": shown(COURSE["steps"]),
        "published_at": "2026-12-02T12:00:00Z",
    }
    assert accepted(api.get("/v1/courses/python-101")) == published
    assert accepted(api.get("/v1/courses")) == {"items": [published], "next": None}


def test_what_changes_nothing_publishes_nothing(api: Local, clock: HandClock) -> None:
    published = accepted(api.put("/v1/courses/python-101", json=COURSE))
    before = contents(api)
    clock.now = NOW.replace(hour=13)

    said_otherwise = COURSE | {"steps": [shown(COURSE["steps"])[0], COURSE["steps"][1] | {"max_score": 10.0}]}
    for same in (COURSE, said_otherwise):
        assert accepted(api.put("/v1/courses/python-101", json=same)) == published

    assert contents(api) == before


@pytest.mark.parametrize(
    "changed",
    [
        COURSE | {"title": "Python"},
        COURSE | {"steps": COURSE["steps"][::-1]},
        COURSE | {"steps": COURSE["steps"][:1]},
        COURSE | {"steps": []},
        COURSE | {"steps": [COURSE["steps"][0] | {"title": "Hello"}, COURSE["steps"][1]]},
        COURSE | {"steps": [COURSE["steps"][0], COURSE["steps"][1] | {"pass_score": 7}]},
    ],
)
def test_any_change_publishes_a_version(api: Local, clock: HandClock, changed: Json) -> None:
    accepted(api.put("/v1/courses/python-101", json=COURSE))
    clock.now = NOW.replace(hour=13)

    published = accepted(api.put("/v1/courses/python-101", json=changed))

    assert (published["version"], published["published_at"]) == (2, "2026-12-02T13:00:00Z")
    assert (published["title"], published["steps"]) == (changed["title"], shown(changed["steps"]))
    assert accepted(api.get("/v1/courses/python-101")) == published
    assert accepted(api.get("/v1/courses"))["items"] == [published]


def test_the_same_course_many_times_at_once_is_one_version(api: Local) -> None:
    answers = api.together(*(api.client.put("/v1/courses/python-101", json=COURSE) for _ in range(8)))
    assert {accepted(answer)["version"] for answer in answers} == {1}


def test_many_changes_at_once_are_as_many_versions(api: Local) -> None:
    bodies = [COURSE | {"title": f"Title {number}"} for number in range(8)]
    for answer in api.together(*(api.client.put("/v1/courses/python-101", json=body) for body in bodies)):
        accepted(answer)
    assert accepted(api.get("/v1/courses/python-101"))["version"] == 8


@pytest.fixture(scope="module")
def odd(module_database: str) -> Iterator[Local]:
    """An app in which courses, classes and learners have odd ids, each the same for all three."""
    with Local(module_database, clock=HandClock(NOW)) as api:
        for odd_id in ODD_IDS:
            steps = [COURSE["steps"][0] | {"class_id": odd_id}]
            path = f"/v1/courses/{quote(odd_id, safe='')}"
            assert accepted(api.put(path, json=COURSE | {"steps": steps}))["course_id"] == odd_id
            accepted(api.post("/v1/events", json=ping(user_id=odd_id, class_id=odd_id, course_id=odd_id)))
        yield api


@pytest.mark.parametrize("odd_id", ODD_IDS)
def test_an_id_may_be_of_any_kind(odd: Local, odd_id: str) -> None:
    quoted = quote(odd_id, safe="")
    assert accepted(odd.get(f"/v1/courses/{quoted}"))["course_id"] == odd_id
    progress = accepted(odd.get(f"/v1/users/{quoted}/progress"))
    assert (progress["user_id"], [course["course_id"] for course in progress["courses"]]) == (odd_id, [odd_id])
    for name in ("user_id", "class_id", "course_id"):
        [row] = accepted(odd.get("/v1/progress", params={name: odd_id}))["items"]
        assert row[name] == odd_id
    assert accepted(odd.get("/v1/leaderboard", params={"course_id": odd_id}))["entries"][0]["user_id"] == odd_id
    assert accepted(odd.get(f"/v1/leaderboard/{quoted}"))["entry"]["user_id"] == odd_id


def test_a_slash_may_be_written_as_it_is(odd: Local) -> None:
    assert accepted(odd.get("/v1/courses/a/b//c"))["course_id"] == "a/b//c"
    assert accepted(odd.get("/v1/courses/course-v1:edX+DemoX+2026"))["course_id"] == "course-v1:edX+DemoX+2026"


def test_another_case_is_another_course(api: Local) -> None:
    accepted(api.put("/v1/courses/python", json=COURSE))
    problem(api.get("/v1/courses/Python"), 404, "there is no published course with the id 'Python'")


def test_courses_come_in_pages_by_id(api: Local) -> None:
    ids = ["Z", "a", "a/b", "b", "é", "学"]
    for course_id in reversed(ids):
        accepted(api.put(f"/v1/courses/{quote(course_id, safe='')}", json=COURSE))

    read: list[str] = []
    cursor: dict[str, str] = {}
    for size in (4, 2):
        page = accepted(api.get("/v1/courses", params={"limit": "4"} | cursor))
        assert len(page["items"]) == size
        read += [course["course_id"] for course in page["items"]]
        cursor = {"cursor": page["next"]}
    assert (read, page["next"]) == (ids, None)
