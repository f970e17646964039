"""The rules one by one: what an event proves, and what it does not."""

import json

import pytest

from eventstore.types.quiz_submit import QuizSubmit
from eventstore.types.video_ping import VideoPing
from projections.fold import RuleFailure, fold
from projections.progress import EMPTY, Progress, merge
from projections.rule import Rule
from projections.rules.quiz_result import quiz_result
from projections.rules.video_progress import video_progress
from tests.engine.support import at, event, ping, quiz

PINGS = [
    # position, duration, whole seconds, completed
    (0, 300, 0, False),
    (269.999, 300, 269, False),
    (270, 300, 270, True),  # exactly 90 %
    (300, 300, 300, True),
    (301, 300, 301, True),  # a player that rounds
    (0.99, 1.1, 0, True),  # exactly 90 % in decimals, less in binary
    (0.989, 1.1, 0, False),
    (236.916, 263.24, 236, True),
    (236.915, 263.24, 236, False),
    (0.09, 0.1, 0, True),
    (2_147_483_647, 2_147_483_647, 2_147_483_647, True),
]


@pytest.mark.parametrize(("position", "duration", "seconds", "completed"), PINGS)
def test_a_ping_proves_whole_seconds_and_from_90_percent_on_the_video(
    position: float, duration: float, seconds: int, completed: bool
) -> None:
    proved = video_progress(VideoPing(video_id="v", position=position, duration=duration), at(0))

    assert proved == Progress(video_max_position_sec=seconds, video_completed_at=at(0) if completed else None)


SUBMISSIONS = [
    # score, passed, whole points
    (0, False, 0),
    (7.999, False, 7),
    (8, True, 8),
    (0, True, 0),  # whether that passes is for the quiz to say
    (10, False, 10),
]


@pytest.mark.parametrize(("score", "passed", "points"), SUBMISSIONS)
def test_a_submission_proves_whole_points_and_passes_if_it_says_so(score: float, passed: bool, points: int) -> None:
    proved = quiz_result(QuizSubmit(quiz_id="q", score=score, max_score=10, passed=passed), at(0))

    assert proved == Progress(quiz_score=points, quiz_passed_at=at(0) if passed else None)


def test_together_they_prove_the_furthest_and_the_best_at_the_earliest() -> None:
    events = [
        ping(at(3), 95),
        ping(at(1), 92, course_id="x"),
        ping(at(0), 20),
        quiz(at(5), 9.5, passed=False),
        quiz(at(4), 6, course_id="w"),
        quiz(at(6), 7),
    ]

    assert fold(events).progress == {
        ("ada", "a"): Progress(
            course_id="w",
            video_max_position_sec=95,
            video_completed_at=at(1),
            quiz_score=9,
            quiz_passed_at=at(4),
        )
    }


def test_a_failed_quiz_is_a_score_of_zero_and_no_quiz_is_none() -> None:
    assert fold([quiz(at(0), 0, passed=False)]).progress["ada", "a"].quiz_score == 0
    assert fold([ping(at(0))]).progress["ada", "a"].quiz_score is None
    assert merge(EMPTY, Progress(quiz_score=0)).quiz_score == 0


def test_learners_and_classes_are_apart() -> None:
    events = [ping(at(0)), ping(at(0), user_id="bob"), ping(at(0), class_id="b")]

    assert fold(events).progress.keys() == {("ada", "a"), ("bob", "a"), ("ada", "b")}


def test_what_a_ping_proves_it_proves_whatever_video_it_names() -> None:
    payload = {"video_id": "another video", "position": 100, "duration": 100}

    assert fold([event("VIDEO_PING", payload, at(0))]).progress["ada", "a"].video_completed_at == at(0)


def test_every_version_of_an_event_proves_the_same() -> None:
    payload = {"video_id": "v", "position": 95, "duration": 100}
    proved = [
        fold([event("VIDEO_PING", payload, at(0), version=version)]).progress for version in ("1.0", "1.1", "1.9")
    ]

    assert proved == [proved[0]] * 3
    assert proved[0]["ada", "a"].video_completed_at == at(0)


def test_a_rule_that_raises_gives_the_event_back_and_what_the_others_prove() -> None:
    error = ZeroDivisionError("poison")

    def broken(_: object, __: object) -> Progress:
        raise error

    poison = ping(at(0), course_id="x")
    rules = [Rule("broken", "VIDEO_PING", broken), Rule("video_progress", "VIDEO_PING", video_progress)]

    result = fold([poison, quiz(at(1))], rules)

    assert result.failures == [RuleFailure(poison, "broken", error)]
    assert result.progress["ada", "a"] == Progress("x", video_max_position_sec=100, video_completed_at=at(0))


def test_a_payload_that_cannot_be_read_any_more_is_a_failure_too() -> None:
    unreadable = ping(at(0))._replace(payload=json.dumps({"video_id": "v"}))

    result = fold([unreadable])

    assert [failure.event for failure in result.failures] == [unreadable]
    assert result.progress == {("ada", "a"): EMPTY}
