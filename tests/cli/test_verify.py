"""`lms-progress verify`: what differs is named, one line each, and mended on request."""

from collections.abc import Callable

import pytest

from cli.operate import verify as verifying
from tests.cli.support import derived_at, envelope, ndjson, on_database, query, run
from tests.engine.rows import change, refuse_class

LEARNERS = ("ada", "bob", "cleo")


def filled(url: str) -> str:
    """Three learners, each at the end of a video and passed in a quiz."""
    passed = {"type": "QUIZ_SUBMIT", "payload": {"quiz_id": "q", "score": 7, "max_score": 10, "passed": True}}
    events = [envelope(user_id=user, **more) for user in LEARNERS for more in ({}, passed)]
    assert run(url, "import", "-", stdin=ndjson(events)).code == 0
    return url


def tampered(url: str, *statements: str) -> str:
    on_database(url, lambda database: change(database, *statements))
    return url


def test_nothing_differs_of_what_lms_progress_wrote(database_url: str) -> None:
    done = run(filled(database_url), "verify")

    assert (done.code, done.out, done.err) == (0, "learners 3   rows differing 0\n", "")


def test_an_empty_database_has_nothing_that_could_differ(database_url: str) -> None:
    assert run(database_url, "verify").out == "learners 0   rows differing 0\n"


def test_each_difference_is_a_line_and_ends_it_with_1(database_url: str) -> None:
    # given
    tampered(
        filled(database_url),
        "UPDATE lms_progress SET video_max_position_sec = 12, quiz_score = NULL WHERE user_id = 'ada'",
        "DELETE FROM lms_learner WHERE user_id = 'cleo'",
        "UPDATE lms_event_daily SET events = 4",
    )

    # when
    done = run(database_url, "verify")

    # then
    assert done.code == 1
    assert done.out.splitlines() == [
        "lms_progress ada/a video_max_position_sec: expected 100, found 12",
        "lms_progress ada/a quiz_score: expected 7, found nothing",
        "lms_learner cleo row: expected a row (last_activity_at 2026-11-20T09:30:00.000000Z), found no row",
        "v_event_daily_stats 2026-11-20/QUIZ_SUBMIT events: expected 3, found 4",
        "v_event_daily_stats 2026-11-20/VIDEO_PING events: expected 3, found 4",
        "learners 3   rows differing 4",
    ]
    assert "lms-progress verify --repair" in done.err


def test_repair_mends_all_of_it_and_sends_nothing(database_url: str) -> None:
    # given
    before = derived_at(filled(database_url))
    messages = query(database_url, "SELECT count(*) FROM lms_outbox")
    tampered(database_url, "DELETE FROM lms_signal", "DELETE FROM lms_outbox", "UPDATE lms_event_daily SET events = 4")

    # when
    done = run(database_url, "verify", "--repair")

    # then
    assert (messages, done.code, done.err) == ([(6,)], 0, "")
    assert done.out.splitlines()[-2:] == ["learners 3   rows differing 8", "repaired 8   still differing 0"]
    assert derived_at(database_url) == before
    assert query(database_url, "SELECT count(*) FROM lms_outbox") == [(0,)]
    assert run(database_url, "verify").code == 0


def test_what_cannot_be_mended_is_named_and_ends_it_with_1(database_url: str) -> None:
    # given two learners who lack rows, of whom the database refuses those of one
    run(filled(database_url), "import", "-", stdin=ndjson([envelope(user_id="bob", class_id="poison")]))
    tampered(database_url, "DELETE FROM lms_xp WHERE user_id = 'ada'", "DELETE FROM lms_progress WHERE user_id = 'bob'")

    on_database(database_url, lambda database: refuse_class(database, "lms_progress", "poison"))

    # when
    done = run(database_url, "verify", "--repair")

    # then: ada's three places, and with them what the histogram says of her, are as they were
    assert done.code == 1
    assert done.out.splitlines()[-2:] == ["learners 3   rows differing 8", "repaired 6   still differing 2"]
    assert done.err.endswith("not repaired: the database rejects the rows of learner 'bob'\n")
    assert {line.split("/")[0] for line in run(database_url, "verify").out.splitlines()[:-1]} == {"lms_progress bob"}


def test_a_sample_is_of_so_many_learners_and_of_no_days(database_url: str) -> None:
    tampered(filled(database_url), "UPDATE lms_event_daily SET events = 4", "DELETE FROM lms_learner")

    done = run(database_url, "verify", "--sample", "2")

    assert done.code == 1
    assert len(done.out.splitlines()) == 3
    assert done.out.splitlines()[-1] == "learners 2   rows differing 2"
    assert run(database_url, "verify", "--sample", "0").code == 2


def test_so_many_lines_and_no_more(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "LINES", 5)
    tampered(filled(database_url), "DELETE FROM lms_signal", "DELETE FROM lms_event_daily")

    lines = run(database_url, "verify").out.splitlines()

    assert len(lines) == 7
    assert lines[5:] == ["and 3 more", "learners 3   rows differing 8"]


def test_a_database_that_is_not_migrated_is_told_so(empty_database: Callable[[], str]) -> None:
    done = run(empty_database(), "verify")

    assert (done.code, done.out) == (1, "")
    assert "run `lms-progress migrate`" in done.err


def test_changed_worth_is_named_and_repaired(database_url: str) -> None:
    filled(database_url)

    differing = run(database_url, "verify", LMS_XP_QUIZ_PASSED="25")
    repaired = run(database_url, "verify", "--repair", LMS_XP_QUIZ_PASSED="25")

    assert (differing.code, repaired.code) == (1, 0)
    assert "lms_xp ada/''/all xp: expected 35, found 30" in differing.out
    assert query(database_url, "SELECT DISTINCT xp FROM v_leaderboard") == [(35,)]
