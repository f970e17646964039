"""A learner's page: the courses begun, step by step, by the version in force now; what was completed stays so."""

import pytest

from tests.api.support import COURSE, NOW, Json, accepted, ping, quiz
from tests.engine.support import HandClock
from tests.support.serving import Local

LOOPS_PING = ping(class_id="loops", payload={"video_id": "loops-video", "position": 600, "duration": 600})
EXAM = {"class_id": "exam", "title": "The exam", "quiz_id": "exam-quiz"}
LONGER = COURSE | {"title": "Python, all of it", "steps": [*COURSE["steps"], EXAM]}
SHORTER = COURSE | {"steps": COURSE["steps"][:1]}


@pytest.fixture
def published(api: Local) -> Local:
    accepted(api.put("/v1/courses/python-101", json=COURSE))
    return api


def page(api: Local) -> Json:
    return accepted(api.get("/v1/users/ada/progress"))


def test_who_did_nothing_has_an_empty_page(published: Local) -> None:
    assert page(published) == {"user_id": "ada", "name": None, "xp": 0, "courses": []}


def test_a_course_that_is_begun_is_shown_with_all_its_steps(published: Local) -> None:
    accepted(published.post("/v1/events", json=[ping(), quiz(4.9, False)]))

    assert page(published) == {
        "user_id": "ada",
        "name": None,
        "xp": 40,
        "courses": [
            {
                "course_id": "python-101",
                "title": COURSE["title"],
                "percent": 50,
                "steps_completed": 1,
                "steps_total": 2,
                "enrolled_at": None,
                "completed": False,
                "completed_at": None,
                "steps": [
                    {
                        "class_id": "intro",
                        "title": "Welcome",
                        "course_id": "python-101",
                        "duration_sec": None,
                        "video_max_position_sec": 290,
                        "video_completed": 1,
                        "quiz_passed": 0,
                        "quiz_score": None,
                        "video_completed_at": "2026-12-02T12:00:00Z",
                        "quiz_passed_at": None,
                        "completed": True,
                        "completed_at": "2026-12-02T12:00:00Z",
                    },
                    {
                        "class_id": "loops",
                        "title": "Doing it again",
                        "course_id": "python-101",
                        "duration_sec": None,
                        "video_max_position_sec": 0,
                        "video_completed": 0,
                        "quiz_passed": 0,
                        "quiz_score": 4,
                        "video_completed_at": None,
                        "quiz_passed_at": None,
                        "completed": False,
                        "completed_at": None,
                    },
                ],
            }
        ],
    }


def test_a_longer_course_takes_no_completion_away(published: Local, clock: HandClock) -> None:
    accepted(published.post("/v1/events", json=[ping(), LOOPS_PING, quiz()]))
    before = page(published)
    assert (before["courses"][0]["percent"], before["courses"][0]["completed"]) == (100, True)

    clock.now = NOW.replace(hour=13)
    accepted(published.put("/v1/courses/python-101", json=LONGER))

    after = page(published)
    [course] = after["courses"]
    assert (course["title"], course["percent"]) == ("Python, all of it", 66)
    assert (course["steps_completed"], course["steps_total"]) == (2, 3)
    assert (course["completed"], course["completed_at"]) == (True, "2026-12-02T12:00:00Z")
    assert [step["completed"] for step in course["steps"]] == [True, True, False]
    assert after["xp"] == before["xp"]


def test_a_shorter_course_grants_a_completion_when_it_is_published(published: Local, clock: HandClock) -> None:
    accepted(published.post("/v1/events", json=ping()))
    clock.now = NOW.replace(hour=13)
    accepted(published.put("/v1/courses/python-101", json=SHORTER))

    [course] = page(published)["courses"]

    assert (course["percent"], course["steps_total"], course["completed"]) == (100, 1, True)
    assert course["completed_at"] == "2026-12-02T13:00:00Z"
    assert course["steps"][0]["completed_at"] == "2026-12-02T12:00:00Z"


def test_a_course_of_which_nothing_is_left_stays_for_who_completed_it(published: Local) -> None:
    accepted(published.post("/v1/events", json=[ping(), LOOPS_PING, quiz(), ping(user_id="alan", position=1)]))
    accepted(published.put("/v1/courses/python-101", json=COURSE | {"steps": []}))

    [course] = page(published)["courses"]

    assert (course["percent"], course["steps_total"], course["steps"]) == (0, 0, [])
    assert course["completed"]
    assert accepted(published.get("/v1/users/alan/progress"))["courses"] == []


def test_a_class_in_two_courses_counts_in_both(published: Local) -> None:
    accepted(published.put("/v1/courses/a-taste", json=SHORTER))
    accepted(published.post("/v1/events", json=ping(course_id="python-101")))

    courses = page(published)["courses"]

    assert [(course["course_id"], course["percent"]) for course in courses] == [("a-taste", 100), ("python-101", 50)]
    [row] = accepted(published.get("/v1/progress"))["items"]
    assert row["course_id"] == "python-101"


def test_what_belongs_to_no_course_earns_and_is_not_shown(published: Local) -> None:
    accepted(published.post("/v1/events", json=ping(class_id="elsewhere")))
    assert page(published) == {"user_id": "ada", "name": None, "xp": 10, "courses": []}
