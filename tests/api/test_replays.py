"""Replays over HTTP: started by a POST, followed by GETs, and one at a time."""

import time
from uuid import uuid4

import pytest

from engine.replay.store import ReplayRequest, start
from eventstore.db.replay_lock import replay_lock
from tests.api.support import COURSE, NOW, Json, accepted, ping, problem, quiz
from tests.engine.rows import change
from tests.support.processes import PATIENCE_SEC
from tests.support.serving import Local

pytestmark = pytest.mark.slow

OTHER = "0f5f8a53-6a0e-4f0c-9a53-3a1f0d8a5b11"


def replayed(api: Local, **body: object) -> Json:
    """What became of the replay that is started so, when it has ended."""
    response = api.post("/v1/replays", json=body)
    found = accepted(response, 202)
    assert found["status"] in ("running", "finished")
    deadline = time.monotonic() + PATIENCE_SEC
    while found["status"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
        found = accepted(api.get(response.headers["Location"]))
    return found


def test_one_is_started_and_followed_until_it_says_what_it_changed(published: Local) -> None:
    accepted(published.post("/v1/events", json=[ping(), quiz(), ping(user_id="alan")]))
    assert replayed(published)["rows_differing"] == 0
    published.run(change(published.engine.database, "DELETE FROM lms_signal WHERE user_id = 'alan'"))

    found = replayed(published)

    assert (found["status"], found["error"], found["parked"]) == ("finished", None, 0)
    assert (found["events_done"], found["events_total"]) == (3, 3)
    assert (found["signals_gained"], found["signals_lost"], found["rows_differing"]) == (2, 0, 2)
    assert found["started_at"] <= found["finished_at"]
    assert (found["user_id"], found["course_id"]) == (None, None)
    assert len(accepted(published.get("/v1/signals?user_id=alan"))["items"]) == 2


def test_one_may_be_limited(published: Local) -> None:
    accepted(published.post("/v1/events", json=[ping(), ping(user_id="alan")]))
    published.run(change(published.engine.database, "UPDATE lms_progress SET video_max_position_sec = 1"))

    found = replayed(published, user_id="alan")

    assert (found["user_id"], found["rows_differing"]) == ("alan", 1)
    assert replayed(published, course_id="python-101", workers=1)["rows_differing"] == 1
    problem(
        published.post("/v1/replays", json={"course_id": "none"}),
        404,
        "there is no published course with the id 'none'",
    )


def test_a_second_is_refused_with_the_first_ones_id(api: Local) -> None:
    async def meanwhile() -> None:
        async with replay_lock(api.engine.database.engine) as alone:
            assert alone
            await start(api.engine.database, OTHER, ReplayRequest(), NOW)
            answer = problem(await api.client.post("/v1/replays", json={}), 409, OTHER)
            assert answer["replay_id"] == OTHER
            assert accepted(await api.client.get(f"/v1/replays/{OTHER}"))["status"] == "running"

    api.run(meanwhile())
    assert accepted(api.get(f"/v1/replays/{OTHER}"))["status"] == "interrupted"
    assert replayed(api)["status"] == "finished"


def test_one_that_fails_says_why(api: Local) -> None:
    accepted(api.post("/v1/events", json=[ping()]))
    api.run(change(api.engine.database, "ALTER TABLE lms_progress RENAME TO lms_elsewhere"))

    found = replayed(api)

    assert found["status"] == "failed"
    assert "lms_progress" in found["error"]


def test_what_is_not_there_is_404(api: Local) -> None:
    problem(api.get(f"/v1/replays/{uuid4()}"), 404, "expected the id of a replay")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"workers": 0}, "workers"),
        ({"user_id": ""}, "user_id"),
        ({"user": "ada"}, "expected no field of this name"),
        ({"publish": "perhaps"}, "publish"),
        ([], "expected an object"),
    ],
)
def test_a_body_that_is_no_good_starts_nothing(lived_in: Local, body: object, says: str) -> None:
    problem(lived_in.post("/v1/replays", json=body), 422, says)


def test_what_a_course_asks_for_is_rebuilt_as_it_was(api: Local) -> None:
    accepted(api.put("/v1/courses/python-101", json=COURSE))
    accepted(api.post("/v1/events", json=[ping(), quiz()]))
    before = accepted(api.get("/v1/users/ada/progress"))
    replayed(api)
    assert accepted(api.get("/v1/users/ada/progress")) == before
