"""Rendering notifications as Markdown: an activity or a summary, in a few lines. Pure.

Unknown parts are left out. Text of users is escaped for the kind of message.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from integrations.contracts.activity import (
    CONTENT_COMPLETED,
    EXAM_FAILED,
    EXAM_PASSED,
    ContentMetadata,
    ExamActivity,
    ExamMetadata,
)
from integrations.contracts.notification import ACTIVITY_SUMMARY, AnyOfActivity, SummaryItem
from integrations.notifications.notification import Notification
from integrations.notifications.summary import Period, Summary
from integrations.notifications.text import Escape, markdown, number, student_of, title_of

HEADINGS = {EXAM_PASSED: "Exam passed", EXAM_FAILED: "Exam failed", CONTENT_COMPLETED: "Content completed"}
VERBS = {EXAM_PASSED: "passed", EXAM_FAILED: "did not pass", CONTENT_COMPLETED: "completed"}
COUNTED = {
    EXAM_PASSED: ("exam passed", "exams passed"),
    EXAM_FAILED: ("exam failed", "exams failed"),
    CONTENT_COMPLETED: ("content completed", "contents completed"),
}
ITEM_VERBS = VERBS | {EXAM_FAILED: "failed"}

LONGEST_SUMMARY = 8_000
"""The length of a summary, in characters. Zulip accepts 10,000."""

Part = tuple[str, str | None]
"""A part of a message: its name, and its text, or None if it is unknown."""


def render(kind: str, body: Mapping[str, object], escape: Escape = markdown) -> str:
    """Return the text of a notification, from its type and its body in the outbox."""
    if kind == ACTIVITY_SUMMARY:
        return render_summary(Summary.model_validate(body), escape)
    return render_activity(Notification.model_validate(body).activity, escape)


def heading(kind: str, body: Mapping[str, object]) -> str:
    """Return the subject of a notification. It contains no text of users."""
    return Summary.model_validate(body).heading if kind == ACTIVITY_SUMMARY else HEADINGS[kind]


def render_activity(activity: AnyOfActivity, escape: Escape) -> str:
    student = escape(student_of(activity.student_username, activity.student_id))
    title = escape(title_of(activity.activity_title, activity.activity_id))
    lines = [
        f"**{HEADINGS[activity.event_type]}**",
        f"**{student}** {VERBS[activity.event_type]} **{title}**",
        join_parts(metadata_parts(activity.metadata, escape)),
        join_parts([("Date", format_instant(time_of(activity)))]),
    ]
    return "\n".join(line for line in lines if line)


def metadata_parts(metadata: ExamMetadata | ContentMetadata, escape: Escape) -> Iterator[Part]:
    """Yield the result of an exam, or the place of a content in its course."""
    if isinstance(metadata, ExamMetadata):
        yield "Score", number(metadata.score)
        yield "Percentage", number(metadata.percentage, "%")
        yield "Result", escape(metadata.result or "")
        yield "Time taken", escape(metadata.time_taken or "")
    else:
        yield "Course", escape(metadata.course_title or "")
        yield "Chapter", escape(metadata.chapter_name or "")
        yield "Type", escape(metadata.content_type or "")


def join_parts(parts: Iterable[Part]) -> str:
    """Return the parts that are not empty, on one line."""
    return " · ".join(f"**{name}:** {text}" for name, text in parts if text)


def time_of(activity: AnyOfActivity) -> datetime:
    """Return the time of completion, if the platform has one, or else that of the activity."""
    completed_on = None if isinstance(activity, ExamActivity) else activity.metadata.completed_on
    return completed_on or activity.timestamp


def format_instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def render_summary(summary: Summary, escape: Escape = markdown) -> str:
    """Return the counts, then each student's activities, cut off at LONGEST_SUMMARY characters."""
    text = "\n".join((f"**{summary.heading}**", format_period(summary), format_counts(summary), ""))
    shown = 0
    for line, items in summary_lines(summary.items, escape):
        if len(text) + len(line) > LONGEST_SUMMARY:
            break
        text += f"\n{line}"
        shown += items
    hidden = sum(summary.counts.values()) - shown
    return f"{text}\n\nand {hidden:,} more" if hidden else text


def format_period(summary: Summary) -> str:
    if summary.period is Period.TODAY:
        return f"{summary.since:%Y-%m-%d}, until {summary.until:%H:%M} UTC"
    return f"{summary.since:%Y-%m-%d %H:%M} to {summary.until:%H:%M} UTC"


def format_counts(summary: Summary) -> str:
    counts = ((kind, summary.counts.get(kind, 0)) for kind in COUNTED)
    return " · ".join(f"{count:,} {COUNTED[kind][count != 1]}" for kind, count in counts if count)


def summary_lines(items: Sequence[SummaryItem], escape: Escape) -> Iterator[tuple[str, int]]:
    """Yield the lines of each student, in the order of their first activities, and the number of items in each line."""
    by_student: defaultdict[str, list[SummaryItem]] = defaultdict(list)
    for item in items:
        by_student[item.user_id].append(item)
    for user_id, activities in by_student.items():
        yield f"**{escape(student_of(activities[0].student, user_id))}**", 0
        for item in activities:
            yield f"- {format_item(item, escape)}", 1


def format_item(item: SummaryItem, escape: Escape) -> str:
    percentage = number(item.percentage, "%")
    return f"{ITEM_VERBS[item.type]} {escape(item.title)}" + (f" ({percentage})" if percentage else "")
