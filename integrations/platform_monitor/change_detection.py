"""Noticing: which activities a row of the platform tells of. Pure.

A row tells of all that was done by now, each by an id of its own: so a row that is read again tells nothing new, and
one that went through several states since it was read last tells of all of them.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from eventstore.times import to_text
from integrations.contracts.activity import (
    CONTENT_COMPLETED,
    CONTENT_STARTED,
    CONTENT_WATCHED,
    EXAM_COMPLETED,
    EXAM_FAILED,
    EXAM_PASSED,
    EXAM_STARTED,
)
from integrations.platform_monitor.relations import ContentProgress, ExamAttempts

Row = Mapping[str, Any]
"""A row as `statements` has it read; what the platform does not have is not in it."""


class DetectedActivity(NamedTuple):
    """One activity: `at` is when it was, in UTC; `row` tells the rest."""

    event_id: str
    event_type: str
    at: datetime
    row: Row


def of_attempt(row: Row, layout: ExamAttempts) -> Iterator[DetectedActivity]:
    """An exam was started, completed, and passed or failed.

    An attempt that is marked anew is passed or failed anew: the better mark is to count.
    """
    started_at, completed_at = row["started_at"], row["completed_at"]
    if started_at is not None:
        yield detect(EXAM_STARTED, row, started_at)
    if completed_at is not None:
        yield detect(EXAM_COMPLETED, row, completed_at)
    verdict = verdict_of(row, layout)
    if verdict is not None:
        marked = detect(verdict, row, completed_at, watermark_of(row))
        yield marked._replace(at=row.get("graded_at") or marked.at)


def of_progress(row: Row, layout: ContentProgress) -> Iterator[DetectedActivity]:
    """Content was started, watched, and completed. Where the platform has no time for that, its state says so."""
    if row["started_at"] is not None:
        yield detect(CONTENT_STARTED, row, row["started_at"])
    if is_so(row, "watched_at", layout.watched_at, layout.watched):
        yield detect(CONTENT_WATCHED, row, row.get("watched_at"))
    if is_so(row, "completed_at", layout.completed_at, layout.completed):
        yield detect(CONTENT_COMPLETED, row, row.get("completed_at"))


def detect(kind: str, row: Row, at: datetime | None, *also: str) -> DetectedActivity:
    """The id says when it was, if the platform does: who begins again, in the same row, does another thing."""
    when = () if at is None else (to_text(at),)
    return DetectedActivity("/".join((kind, row["id"], *when, *also)), kind, at or row["changed_at"], row)


def verdict_of(row: Row, layout: ExamAttempts) -> str | None:
    if is_one_of(row["result"], layout.passed):
        return EXAM_PASSED
    return EXAM_FAILED if is_one_of(row["result"], layout.failed) else None


def watermark_of(row: Row) -> str:
    """Whatever of a mark there is, as a part of an id."""
    mark = row.get("percentage") if row.get("score") is None else row.get("score")
    return "unmarked" if mark is None else f"{mark:g}"


def is_so(row: Row, time: str, column: str | None, words: tuple[str, ...]) -> bool:
    return is_one_of(row.get("state"), words) if column is None else row[time] is not None


def is_one_of(said: str | None, words: tuple[str, ...]) -> bool:
    """Whether the platform says one of these words, in capitals or not."""
    return said is not None and said.casefold() in {word.casefold() for word in words}
