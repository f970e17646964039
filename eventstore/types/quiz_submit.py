"""QUIZ_SUBMIT: a learner submitted a quiz, and its result.

The score is in points out of `max_score`; the sender decides whether it passes.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from eventstore.event_type import EventType, Ident, Quantity


class QuizSubmit(BaseModel):
    """`score` of `max_score` points, and whether that was enough."""

    model_config = ConfigDict(
        strict=True,
        title="QUIZ_SUBMIT 1.0",
        json_schema_extra={"examples": [{"quiz_id": "intro-quiz", "score": 8, "max_score": 10, "passed": True}]},
    )

    quiz_id: Ident
    score: Quantity
    max_score: Annotated[Quantity, Field(gt=0)]
    passed: bool

    @model_validator(mode="after")
    def score_within_max_score(self) -> Self:
        if self.score > self.max_score:
            raise ValueError(f"a score of at most max_score ({self.max_score:g}), not {self.score:g}")
        return self


QUIZ_SUBMIT = EventType(name="QUIZ_SUBMIT", versions={"1.0": QuizSubmit}, upcasters={})
