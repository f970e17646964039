"""The message of a summary: how much was done of each type, and by whom, cut off where it gets long. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from integrations.contracts.activity import CONTENT_COMPLETED, EXAM_FAILED, EXAM_PASSED
from integrations.contracts.notification import SummaryItem
from integrations.notifications.summary import Period, Summary
from integrations.notifications.text import Escape, number, student_of

LONGEST = 8_000
"""So long it may get, in characters: Zulip takes 10,000."""

COUNTED = {
    EXAM_PASSED: ("exam passed", "exams passed"),
    EXAM_FAILED: ("exam failed", "exams failed"),
    CONTENT_COMPLETED: ("content completed", "contents completed"),
}
VERBS = {EXAM_PASSED: "passed", EXAM_FAILED: "failed", CONTENT_COMPLETED: "completed"}


def summary_message(summed: Summary, escape: Escape) -> str:
    """The counts, then each student with what was done."""
    text = "\n".join((f"**{summed.heading}**", covered(summed), counts(summed), ""))
    shown = 0
    for line, items in lines_of(summed.items, escape):
        if len(text) + len(line) > LONGEST:
            break
        text += f"\n{line}"
        shown += items
    hidden = sum(summed.counts.values()) - shown
    return f"{text}\n\nand {hidden:,} more" if hidden else text


def covered(summed: Summary) -> str:
    """Of which time it is."""
    if summed.period is Period.TODAY:
        return f"{summed.since:%Y-%m-%d}, until {summed.until:%H:%M} UTC"
    return f"{summed.since:%Y-%m-%d %H:%M} to {summed.until:%H:%M} UTC"


def counts(summed: Summary) -> str:
    known = ((kind, summed.counts.get(kind, 0)) for kind in COUNTED)
    return " · ".join(f"{count:,} {COUNTED[kind][count != 1]}" for kind, count in known if count)


def lines_of(items: Sequence[SummaryItem], escape: Escape) -> Iterator[tuple[str, int]]:
    """The lines about the students, in the order in which they first did something; how many items each shows."""
    students: defaultdict[str, list[SummaryItem]] = defaultdict(list)
    for one in items:
        students[one.user_id].append(one)
    for user_id, theirs in students.items():
        yield f"**{escape(student_of(theirs[0].student, user_id))}**", 0
        for one in theirs:
            yield f"- {line(one, escape)}", 1


def line(one: SummaryItem, escape: Escape) -> str:
    percentage = number(one.percentage, "%")
    return f"{VERBS[one.type]} {escape(one.title)}" + (f" ({percentage})" if percentage else "")
