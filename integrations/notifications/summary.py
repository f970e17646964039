"""Summaries: the activities of a mentor's students over a period, as one notification. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel

from integrations.contracts.activity import ExamActivity
from integrations.contracts.fields import Instant
from integrations.contracts.notification import ACTIVITY_SUMMARY, AnyOfActivity, SummaryItem
from integrations.notifications.notification import notification_id
from integrations.notifications.recipient import Recipient, StoredRecipient
from integrations.notifications.text import title_of
from signals.outbox import OutboxMessage

MOST_ITEMS = 100
"""The activities that a summary lists. Later ones are only counted."""

HOUR = timedelta(hours=1)


class Period(StrEnum):
    """`today` is the current UTC day until now; `last-hour` is the last full hour of the clock."""

    TODAY = "today"
    LAST_HOUR = "last-hour"


HEADINGS = {Period.TODAY: "Summary of today", Period.LAST_HOUR: "Summary of the last hour"}


class Span(NamedTuple):
    """A time span that includes `since` and excludes `until`, in UTC."""

    since: datetime
    until: datetime


class Summary(BaseModel):
    """The body of a summary: its mentor and period, the number of activities by type, and the first activities."""

    recipient: StoredRecipient
    period: Period
    since: Instant
    until: Instant
    counts: dict[str, int]
    items: list[SummaryItem]

    @property
    def heading(self) -> str:
        return HEADINGS[self.period]


def span_of(period: Period, now: datetime) -> Span:
    """Return the span of the period at `now` (UTC)."""
    if period is Period.TODAY:
        return Span(now.replace(hour=0, minute=0, second=0, microsecond=0), now)
    until = now.replace(minute=0, second=0, microsecond=0)
    return Span(until - HOUR, until)


def empty_summary(recipient: Recipient, period: Period, span: Span) -> Summary:
    """Return a summary without activities."""
    return Summary(recipient=recipient, period=period, since=span.since, until=span.until, counts={}, items=[])


def add(summary: Summary, activity: AnyOfActivity) -> None:
    """Count an activity in the summary, and list it if it is one of the first."""
    kind = activity.event_type
    summary.counts[kind] = summary.counts.get(kind, 0) + 1
    if len(summary.items) < MOST_ITEMS:
        summary.items.append(to_item(activity))


def to_item(activity: AnyOfActivity) -> SummaryItem:
    return SummaryItem(
        type=activity.event_type,
        user_id=activity.student_id,
        student=activity.student_username,
        title=title_of(activity.activity_title, activity.activity_id),
        percentage=activity.metadata.percentage if isinstance(activity, ExamActivity) else None,
    )


def to_message(summary: Summary, now: datetime) -> OutboxMessage:
    """Return the message of a summary. Its id is the same for a mentor, a period and the time at which that began."""
    mentor_id = summary.recipient.user_id
    message_id = notification_id(ACTIVITY_SUMMARY, summary.period, summary.since.isoformat(), mentor_id)
    return OutboxMessage(mentor_id, message_id, ACTIVITY_SUMMARY, summary.model_dump_json(), now)
