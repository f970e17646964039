"""The journey of an event, HTTP to HTTP: what a platform publishes and its learners do, and what comes of it."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from eventstore.times import from_text, system_clock
from tests.api.support import COURSE, NDJSON, TALLY_SECRET, Json, accepted, ndjson, ping, quiz, tally
from tests.integrations.tally_payloads import form_response
from tests.support.serving import Server, serving

pytestmark = pytest.mark.slow

LONG_AGO = system_clock() - timedelta(days=3)


def at(minutes: int) -> datetime:
    return LONG_AGO + timedelta(minutes=minutes)


def event(posted: Json, minutes: int, **more: object) -> Json:
    """The same, with an id of its own, so that it can be posted again."""
    return posted | {"event_id": str(uuid4()), "occurred_at": at(minutes).isoformat()} | more


LOOPS_VIDEO = {"video_id": "loops-video", "position": 590, "duration": 600}

FIRST = event(ping(10), 0)
AN_ARRAY = [
    event(ping(150), 1),
    event(ping(290), 2, version="1.1", course_id="python-101"),
    event(ping(60), 3, user_id="alan"),
]
LINES = [
    event(ping(), 4, class_id="loops", payload=LOOPS_VIDEO),
    event(quiz(4, passed=False), 5),
    event(ping(300.5), 6, user_id="alan"),
]
SUBMITTED = form_response(form_id="loops-quiz", created_at=at(7).isoformat(), calculated={"Score": "8.5"})

ADAS_SIGNALS = {
    ("COURSE_COMPLETED", None, "python-101", at(7), 100),
    ("STEP_COMPLETED", "loops", "python-101", at(7), 30),
    ("QUIZ_PASSED", "loops", None, at(7), 20),
    ("VIDEO_COMPLETED", "loops", None, at(4), 10),
    ("STEP_COMPLETED", "intro", "python-101", at(2), 30),
    ("VIDEO_COMPLETED", "intro", None, at(2), 10),
}
READ = (
    "/v1/users/ada/progress",
    "/v1/progress",
    "/v1/signals",
    "/v1/events",
    "/v1/leaderboard",
    "/v1/leaderboard?course_id=python-101",
    "/v1/leaderboard/alan?neighbours=1",
    "/v1/stats/daily",
    "/v1/stats/signals",
    "/v1/stats/activity",
    "/v1/courses",
)


def test_what_learners_do_becomes_progress_and_stays(database_url: str) -> None:
    with serving(database_url, "--dev", LMS_TALLY_SIGNING_SECRET=TALLY_SECRET) as server:
        publish(server)
        answers = post_everything(server)
        assert [answer["accepted"] for answer in answers] == [1, 3, 3, 1]
        assert_all_is_there(server)
        read = read_everything(server)

    with serving(database_url, "--dev", LMS_TALLY_SIGNING_SECRET=TALLY_SECRET) as server:
        assert read_everything(server) == read  # restarted: nothing is lost

        publish(server)
        for answer, first in zip(post_everything(server), answers, strict=True):
            assert answer == {"accepted": 0, "duplicates": first["accepted"], "rejected": [], "signals": []}
        assert read_everything(server) == read  # all of it again: nothing changes


def publish(server: Server) -> None:
    course = accepted(server.client.put("/v1/courses/python-101", json=COURSE))
    assert (course["course_id"], course["version"]) == ("python-101", 1)


def post_everything(server: Server) -> list[Json]:
    """One event, an array, NDJSON and a form's response."""
    post = server.client.post
    return [
        accepted(post("/v1/events", json=FIRST)),
        accepted(post("/v1/events", json=AN_ARRAY)),
        accepted(post("/v1/events", content=ndjson(*LINES), headers=NDJSON)),
        accepted(post("/v1/webhooks/tally", **tally(SUBMITTED))),
    ]


def read_everything(server: Server) -> dict[str, Json]:
    return {path: accepted(server.client.get(path)) for path in READ}


def assert_all_is_there(server: Server) -> None:
    read = read_everything(server)

    ada = read["/v1/users/ada/progress"]
    [course] = ada["courses"]
    assert (ada["user_id"], ada["xp"]) == ("ada", 200)
    assert (course["course_id"], course["percent"], course["steps_completed"]) == ("python-101", 100, 2)
    assert (course["completed"], from_text(course["completed_at"])) == (True, at(7))
    intro, loops = course["steps"]
    assert (intro["video_max_position_sec"], intro["video_completed"], intro["quiz_score"]) == (290, 1, None)
    assert (loops["video_max_position_sec"], loops["quiz_passed"], loops["quiz_score"]) == (590, 1, 8)

    rows = read["/v1/progress"]["items"]
    assert [(row["user_id"], row["class_id"]) for row in rows] == [
        ("ada", "intro"),
        ("ada", "loops"),
        ("alan", "intro"),
    ]

    signals = [signal for signal in read["/v1/signals"]["items"] if signal["user_id"] == "ada"]
    assert len(signals) == len(ADAS_SIGNALS)
    assert {
        (s["type"], s["class_id"], s["course_id"], from_text(s["occurred_at"]), s["xp"]) for s in signals
    } == ADAS_SIGNALS

    assert read["/v1/leaderboard"]["entries"] == [
        {"rank": 1, "user_id": "ada", "xp": 200, "name": None},
        {"rank": 2, "user_id": "alan", "xp": 40, "name": None},
    ]
    assert [entry["xp"] for entry in read["/v1/leaderboard?course_id=python-101"]["entries"]] == [160, 30]
    ahead = read["/v1/leaderboard/alan?neighbours=1"]["above"]
    assert ahead == [{"rank": 1, "user_id": "ada", "xp": 200, "name": None}]

    by_type: dict[str, int] = {}
    for day in read["/v1/stats/daily"]["items"]:
        by_type[day["type"]] = by_type.get(day["type"], 0) + day["events"]
    assert by_type == {"VIDEO_PING": 6, "QUIZ_SUBMIT": 2}
    counts = {(c["user_id"], c["type"]): c["signals"] for c in read["/v1/stats/signals"]["items"]}
    assert (counts["ada", "VIDEO_COMPLETED"], counts["alan", "STEP_COMPLETED"]) == (2, 1)
    activity = {a["user_id"]: from_text(a["last_activity_at"]) for a in read["/v1/stats/activity"]["items"]}
    assert activity == {"ada": at(7), "alan": at(6)}

    trail = read["/v1/events"]["items"]
    assert [from_text(item["occurred_at"]) for item in trail] == [at(minutes) for minutes in range(7, -1, -1)]
    assert [item["source"] for item in trail] == ["tally"] + 7 * ["api"]
    assert trail[-1]["payload"] == FIRST["payload"]
