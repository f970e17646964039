"""An exam that another system held and marked, as a QUIZ_SUBMIT of ours."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from eventstore.errors import FieldError, UnresolvedReferenceError
from integrations.inbound.class_lookup import resolve_class, table_name
from integrations.inbound.mapping import ClassMapping
from integrations.inbound.translator import TranslationContext

PERCENT = 100.0
"""What a score is of, unless the mapping file or the step says otherwise."""


class Exam(NamedTuple):
    """One exam, marked: `kind` and `external_id` are of what it was held on; `event_id` makes it a submission.

    What the other system says of `max_score` and `passed` counts; where it says nothing, our side does. `percentage` is
    the score where neither side says out of how many points that is.
    """

    event_id: UUID
    user_id: str
    kind: str
    external_id: str
    score: float
    occurred_at: datetime
    correlation_id: str
    max_score: float | None = None
    percentage: float | None = None
    passed: bool | None = None


def quiz_submit(exam: Exam, world: TranslationContext) -> dict[str, object]:
    """The envelope, as `POST /v1/events` takes it. Raises Unresolved if nothing says which class, or what passes."""
    place = resolve_class(world, exam.kind, exam.external_id)
    score, max_score = score_of(exam, place)
    return {
        "type": "QUIZ_SUBMIT",
        "version": "1.0",
        "event_id": str(exam.event_id),
        "user_id": exam.user_id,
        "class_id": place.class_id,
        "course_id": place.course_id,
        "occurred_at": exam.occurred_at.isoformat(),
        "correlation_id": exam.correlation_id,
        "payload": {
            "quiz_id": place.quiz_id or exam.external_id,
            "score": score,
            "max_score": max_score,
            "passed": exam.score >= pass_score(exam, place, world) if exam.passed is None else exam.passed,
        },
    }


def score_of(exam: Exam, place: ClassMapping) -> tuple[float, float]:
    """A score, and what it is of."""
    max_score = exam.max_score or place.max_score
    if max_score is not None:
        return exam.score, max_score
    return exam.score if exam.percentage is None else exam.percentage, PERCENT


def pass_score(exam: Exam, place: ClassMapping, world: TranslationContext) -> float:
    if place.pass_score is not None:
        return place.pass_score
    table = table_name(world, exam.kind, exam.external_id)
    expected = f"a pass_score in the table [{table}] of the mapping file, or in the step of class {place.class_id!r}"
    raise UnresolvedReferenceError(str(FieldError(table, expected, "neither")))
