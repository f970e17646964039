"""Messages to mentors, as Markdown: what a student did, in a few lines. Pure.

What is not known is left out. Whatever users wrote is escaped, as the kind of message asks for.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from integrations.contracts.activity import (
    CONTENT_COMPLETED,
    EXAM_FAILED,
    EXAM_PASSED,
    ContentMetadata,
    ExamActivity,
    ExamMetadata,
)
from integrations.contracts.notification import ACTIVITY_SUMMARY, AnyOfActivity
from integrations.notifications.notification import Notification
from integrations.notifications.render_summary import summary_message
from integrations.notifications.summary import Summary
from integrations.notifications.text import Escape, markdown, number, student_of, title_of

HEADINGS = {EXAM_PASSED: "Exam passed", EXAM_FAILED: "Exam failed", CONTENT_COMPLETED: "Content completed"}
VERBS = {EXAM_PASSED: "passed", EXAM_FAILED: "did not pass", CONTENT_COMPLETED: "completed"}

Part = tuple[str, str | None]
"""What a part of a message is called, and what it says: nothing, if that is not known."""


def message(kind: str, body: Mapping[str, object], escape: Escape = markdown) -> str:
    """The message of a notification of that type, from what the outbox has of it."""
    if kind == ACTIVITY_SUMMARY:
        return summary_message(Summary.model_validate(body), escape)
    return activity_message(Notification.model_validate(body).activity, escape)


def heading(kind: str, body: Mapping[str, object]) -> str:
    """What it is about, in a few words of ours."""
    return Summary.model_validate(body).heading if kind == ACTIVITY_SUMMARY else HEADINGS[kind]


def activity_message(activity: AnyOfActivity, escape: Escape) -> str:
    student = escape(student_of(activity.student_username, activity.student_id))
    title = escape(title_of(activity.activity_title, activity.activity_id))
    lines = [
        f"**{HEADINGS[activity.event_type]}**",
        f"**{student}** {VERBS[activity.event_type]} **{title}**",
        joined(split_message(activity.metadata, escape)),
        joined([("Date", instant(when(activity)))]),
    ]
    return "\n".join(line for line in lines if line)


def split_message(metadata: ExamMetadata | ContentMetadata, escape: Escape) -> Iterator[Part]:
    """How it went, or where it stands."""
    if isinstance(metadata, ExamMetadata):
        yield "Score", number(metadata.score)
        yield "Percentage", number(metadata.percentage, "%")
        yield "Result", escape(metadata.result or "")
        yield "Time taken", escape(metadata.time_taken or "")
    else:
        yield "Course", escape(metadata.course_title or "")
        yield "Chapter", escape(metadata.chapter_name or "")
        yield "Type", escape(metadata.content_type or "")


def joined(parts: Iterable[Part]) -> str:
    """The parts that are known, on one line."""
    return " · ".join(f"**{name}:** {text}" for name, text in parts if text)


def when(activity: AnyOfActivity) -> datetime:
    """When it was done: as the platform says of what was completed, or else of the activity."""
    completed_on = None if isinstance(activity, ExamActivity) else activity.metadata.completed_on
    return completed_on or activity.timestamp


def instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
