"""What the tests of the monitor share: a course for the example platform, and polls of it by the command."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.cli.support import query, run
from tests.support.platform import Platform

MAPPING = """
[activity.exam.1]
class_id = "numbers"
[activity.content.1]
class_id = "leaves"
[activity.content.2]
class_id = "roots"
"""
COURSE = """{"course_id": "sciences", "title": "Sciences", "steps": [
    {"class_id": "numbers", "title": "Numbers", "quiz_id": "numbers-quiz", "max_score": 20, "pass_score": 19},
    {"class_id": "leaves", "title": "Leaves", "video_id": "leaves-video"},
    {"class_id": "roots", "title": "Roots", "video_id": "roots-video"}]}"""
ON = {"LMS_NOTIFY_MENTORS_ENABLED": "true"}


def poll(url: str, platform: Platform, **settings: str) -> int:
    """Polls once. How many activities were new."""
    ended = run(url, "monitor", "--once", stdin=b"", **platform.settings | settings)
    assert (ended.code, ended.err) == (0, ""), ended.err
    return int(ended.out.split()[-1])


def publish(url: str, folder: Path) -> None:
    course = folder / "sciences.json"
    course.write_text(COURSE)
    assert run(url, "course", "publish", course).code == 0


def activities(url: str) -> list[tuple[Any, ...]]:
    """Who did what."""
    return query(url, "SELECT user_id, type FROM lms_activity ORDER BY user_id, occurred_at, type")


def progress(url: str) -> list[tuple[Any, ...]]:
    return query(
        url,
        "SELECT user_id, class_id, video_max_position_sec, video_completed, quiz_score, quiz_passed "
        "FROM v_user_progress ORDER BY user_id, class_id",
    )


def told(url: str) -> list[tuple[Any, ...]]:
    """Which mentors are told of what."""
    return query(
        url, "SELECT user_id, type FROM lms_outbox WHERE type LIKE '%\\_%ed' ESCAPE '\\' ORDER BY type, user_id"
    )


def marked(score: float, result: str = "pass", **values: Any) -> dict[str, Any]:
    return {"completed_at": datetime.now(UTC), "result": result, "score": score, **values}
