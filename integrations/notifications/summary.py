"""Summaries: what a mentor's students did over a period, as one notification of its own. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel

from integrations.contracts.activity import ExamActivity
from integrations.contracts.fields import Instant
from integrations.contracts.notification import ACTIVITY_SUMMARY, AnyOfActivity, SummaryItem
from integrations.notifications.notification import notification_id
from integrations.notifications.recipient import KeptRecipient, Recipient
from integrations.notifications.text import title_of
from signals.outbox import OutboxMessage

MOST_ITEMS = 100
"""So many activities are named in a summary at most; the others are counted."""

HOUR = timedelta(hours=1)


class Period(StrEnum):
    """`today` is the UTC day that it is, up to now; `last-hour` the last full hour of the clock."""

    TODAY = "today"
    LAST_HOUR = "last-hour"


HEADINGS = {Period.TODAY: "Summary of today", Period.LAST_HOUR: "Summary of the last hour"}


class Span(NamedTuple):
    """From `since` until `until`, less that instant. Times UTC."""

    since: datetime
    until: datetime


class Summary(BaseModel):
    """What the outbox keeps: for which mentor, over which period, how much of each type, and the first of it."""

    recipient: KeptRecipient
    period: Period
    since: Instant
    until: Instant
    counts: dict[str, int]
    items: list[SummaryItem]

    @property
    def heading(self) -> str:
        return HEADINGS[self.period]


def span_of(period: Period, now: datetime) -> Span:
    """What the period is at that time (UTC)."""
    if period is Period.TODAY:
        return Span(now.replace(hour=0, minute=0, second=0, microsecond=0), now)
    until = now.replace(minute=0, second=0, microsecond=0)
    return Span(until - HOUR, until)


def empty_summary(recipient: Recipient, period: Period, span: Span) -> Summary:
    """What a mentor is told of a period in which nothing happened, to add to."""
    return Summary(recipient=recipient, period=period, since=span.since, until=span.until, counts={}, items=[])


def add(summed: Summary, activity: AnyOfActivity) -> None:
    """Counts an activity in, and names it if it is one of the first."""
    kind = activity.event_type
    summed.counts[kind] = summed.counts.get(kind, 0) + 1
    if len(summed.items) < MOST_ITEMS:
        summed.items.append(item(activity))


def item(activity: AnyOfActivity) -> SummaryItem:
    return SummaryItem(
        type=activity.event_type,
        user_id=activity.student_id,
        student=activity.student_username,
        title=title_of(activity.activity_title, activity.activity_id),
        percentage=activity.metadata.percentage if isinstance(activity, ExamActivity) else None,
    )


def announced(summed: Summary, now: datetime) -> OutboxMessage:
    """The announcement of a summary: one for each mentor, period and time at which that began."""
    mentor_id = summed.recipient.user_id
    message_id = notification_id(ACTIVITY_SUMMARY, summed.period, summed.since.isoformat(), mentor_id)
    return OutboxMessage(mentor_id, message_id, ACTIVITY_SUMMARY, summed.model_dump_json(), now)
