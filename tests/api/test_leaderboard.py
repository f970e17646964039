"""The leaderboard over HTTP: equal XP is equal rank; weeks and months begin in UTC; courses have their own."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.api.support import COURSE, Json, accepted, ping, problem, quiz
from tests.engine.support import HandClock
from tests.support.serving import Local

NEXT_MONDAY = datetime(2026, 12, 7, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 12, 6, 23, 59, 59, 999_999, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
NEW_YEARS_EVE = datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def earn(api: Local, user_id: str, at: datetime | str, class_id: str = "intro") -> None:
    """10 XP, of a class without course."""
    occurred_at = at if isinstance(at, str) else at.isoformat()
    accepted(api.post("/v1/events", json=ping(user_id=user_id, class_id=class_id, occurred_at=occurred_at)))


def board(api: Local, **query: str) -> dict[str, int]:
    entries = accepted(api.get("/v1/leaderboard", params=query))["entries"]
    return {entry["user_id"]: entry["xp"] for entry in entries}


def test_a_week_begins_on_monday_in_utc(api: Local, clock: HandClock) -> None:
    clock.now = SUNDAY_NIGHT
    earn(api, "ada", SUNDAY_NIGHT)
    assert board(api, window="week") == {"ada": 10}

    clock.now = NEXT_MONDAY
    assert board(api, window="week") == {}
    earn(api, "alan", NEXT_MONDAY)
    earn(api, "grace", "2026-12-07T00:30:00+02:00")  # which was Sunday in UTC
    earn(api, "ken", "2026-12-06T23:00:00-01:00")  # which was Monday in UTC
    assert board(api, window="week") == {"alan": 10, "ken": 10}
    assert board(api, window="month") == board(api, window="all") == {"ada": 10, "alan": 10, "grace": 10, "ken": 10}

    clock.now = SUNDAY_NIGHT
    assert board(api, window="week") == {"ada": 10, "grace": 10}


def test_a_month_begins_on_its_first_in_utc_and_a_week_may_span_years(api: Local, clock: HandClock) -> None:
    clock.now = NEW_YEAR
    earn(api, "ada", NEW_YEARS_EVE)
    earn(api, "alan", NEW_YEAR)
    assert board(api, window="month") == {"alan": 10}
    assert board(api, window="week") == board(api, window="all") == {"ada": 10, "alan": 10}

    clock.now = NEW_YEARS_EVE
    assert board(api, window="month") == {"ada": 10}


def test_a_late_delivery_moves_xp_to_the_week_in_which_it_was_earned(api: Local, clock: HandClock) -> None:
    clock.now = NEXT_MONDAY
    earn(api, "ada", NEXT_MONDAY)
    earn(api, "ada", SUNDAY_NIGHT)
    assert board(api, window="week") == {}
    assert board(api, window="all") == {"ada": 10}
    problem(api.get("/v1/leaderboard/ada?window=week"), 404, "expected a learner with XP on this leaderboard")
    assert accepted(api.get("/v1/leaderboard/ada?window=all"))["entry"]["xp"] == 10


def test_a_course_has_a_leaderboard_of_its_own(api: Local) -> None:
    for course_id in ("python-101", "python-102"):
        accepted(api.put(f"/v1/courses/{course_id}", json=COURSE | {"steps": COURSE["steps"][: int(course_id[-1])]}))
    accepted(api.post("/v1/events", json=[ping(), ping(user_id="alan"), quiz(user_id="alan")]))

    assert board(api) == {"ada": 170, "alan": 190}
    assert board(api, course_id="python-101") == {"ada": 130, "alan": 130}
    assert board(api, course_id="python-102", window="week") == {"ada": 30, "alan": 30}
    assert board(api, course_id="unknown") == {}
    own = accepted(api.get("/v1/leaderboard/alan?course_id=python-102&neighbours=5"))
    assert own == {"entry": entry(1, "alan", 30), "above": [entry(1, "ada", 30)], "below": []}


def entry(rank: int, user_id: str, xp: int) -> Json:
    return {"rank": rank, "user_id": user_id, "xp": xp, "name": None}


EARNED = {"a": 2, "b": 3, "c": 2, "d": 1, "e": 2, "f": 1, "G": 2}
RANKED = [
    entry(1, "b", 30),
    entry(2, "G", 20),
    entry(2, "a", 20),
    entry(2, "c", 20),
    entry(2, "e", 20),
    entry(6, "d", 10),
    entry(6, "f", 10),
]


@pytest.fixture
def seven(api: Local, clock: HandClock) -> Local:
    """Seven learners, some of them equal."""
    events = [
        ping(user_id=user_id, class_id=str(number), event_id=str(uuid4()), occurred_at=clock.now.isoformat())
        for user_id, earned in EARNED.items()
        for number in range(earned)
    ]
    assert accepted(api.post("/v1/events", json=events))["accepted"] == len(events)
    return api


def test_pages_rank_as_the_whole_does(seven: Local) -> None:
    for window in ("all", "week", "month"):
        for limit in (1, 2, 3, 6, 7, 1000):
            assert pages(seven, window=window, limit=str(limit)) == RANKED


def pages(api: Local, **query: str) -> list[Json]:
    """The entries of all pages."""
    page = accepted(api.get("/v1/leaderboard", params=query))
    entries: list[Json] = page["entries"]
    assert len(entries) <= int(query["limit"])
    return entries if page["next"] is None else entries + pages(api, **query | {"cursor": page["next"]})


def test_a_learner_is_shown_among_neighbours(seven: Local) -> None:
    for neighbours in (0, 1, 2, 100):
        for place, own in enumerate(RANKED):
            query = {"neighbours": str(neighbours)}
            shown = accepted(seven.get(f"/v1/leaderboard/{own['user_id']}", params=query))
            assert shown == {
                "entry": own,
                "above": RANKED[max(0, place - neighbours) : place],
                "below": RANKED[place + 1 : place + 1 + neighbours],
            }


def test_without_being_asked_for_there_are_no_neighbours(seven: Local) -> None:
    assert accepted(seven.get("/v1/leaderboard/c")) == {"entry": RANKED[3], "above": [], "below": []}
