"""Telling: an activity that was noticed, in the words of the contract. Pure."""

from collections.abc import Mapping, Sequence

from pydantic_core import to_json

from eventstore.times import to_text
from integrations.contracts.activity import (
    COMPLETED,
    CONTENT_COMPLETED,
    CONTENT_WATCHED,
    CONTENTS,
    EXAM_FAILED,
    EXAM_PASSED,
    EXAM_STARTED,
    VIDEO,
)
from integrations.inbound.source import Delivery
from integrations.notifications.recipient import Recipient
from integrations.platform_monitor.change_detection import DetectedActivity, Row, is_one_of
from integrations.platform_monitor.layout import Layout
from integrations.platform_monitor.mentor_cache import TheirMentors

RESULTS = {EXAM_PASSED: "pass", EXAM_FAILED: "fail"}
STATES = {CONTENT_WATCHED: "watched", CONTENT_COMPLETED: COMPLETED}
MARKS = ("score", "percentage", "correct_answers", "incorrect_answers", "unanswered", "percentile", "speed")
ANSWERS = ("correct_answers", "incorrect_answers")
ABOUT_CONTENT = ("course_title", "chapter_name", "duration_sec")


def delivery(topic: str, seen: DetectedActivity, layout: Layout, mentors: TheirMentors) -> Delivery:
    """The activity as a message, found in the table `topic`."""
    row = seen.row
    known = {
        "event_type": seen.event_type,
        "event_id": seen.event_id,
        "student_id": row["student_id"],
        "student_username": row.get("student_username"),
        **mentor_of(mentors.get(row["student_id"], ())),
        "activity_id": row["content_id" if seen.event_type in CONTENTS else "exam_id"],
        "activity_title": row.get("subject_title"),
        "metadata": content_fields(seen, layout) if seen.event_type in CONTENTS else exam_fields(seen),
        "timestamp": to_text(seen.at),
    }
    return Delivery(topic, seen.event_id, to_json(without_unknown(known), inf_nan_mode="strings"), seen.at)


def mentor_of(mentors: Sequence[Recipient]) -> dict[str, object]:
    """One of them, as the contract has it: the one whose id the platform has first."""
    return {"mentor_id": mentors[0].user_id, "mentor_username": mentors[0].username} if mentors else {}


def exam_fields(seen: DetectedActivity) -> dict[str, object]:
    """How it went, of one that is over."""
    if seen.event_type == EXAM_STARTED:
        return {}
    row = seen.row
    known = {name: row.get(name) for name in MARKS} | {"max_score": row.get("subject_max_score")}
    return without_unknown(
        known | {"time_taken": format_duration(row.get("time_taken")), "result": RESULTS.get(seen.event_type)}
    )


def content_fields(seen: DetectedActivity, layout: Layout) -> dict[str, object]:
    """What it is, and of what was watched how far that went."""
    row = seen.row
    about = {name: row.get(f"subject_{name}") for name in ABOUT_CONTENT}
    state = STATES.get(seen.event_type, "started")
    known = {"content_type": content_type(row, layout), "state": state, **about}
    if seen.event_type in STATES:
        known |= {name: row.get(name) for name in ANSWERS}
    if seen.event_type == CONTENT_COMPLETED:
        known["completed_on"] = to_text(seen.at)
    return without_unknown(known)


def content_type(row: Row, layout: Layout) -> str | None:
    said: str | None = row.get("subject_content_type")
    return VIDEO if is_one_of(said, layout.contents.video) else said


def format_duration(taken: float | str | None) -> str | None:
    """How long something took: in words where the platform counts seconds, else as the platform says it."""
    if not isinstance(taken, float):
        return taken
    minutes, seconds = divmod(round(taken), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
    said = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts if number]
    return " ".join(said) or "0 seconds"


def without_unknown(known: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in known.items() if value is not None}
