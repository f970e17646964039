"""Course input: the body of `PUT /v1/courses/{course_id}`, and a course file.

It is stricter than reading a course back: a typo in a course should be an error before learners are judged by it.
"""

from collections import Counter
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from eventstore.errors import NO_CONTROLS
from eventstore.event_type import Ident, Quantity
from signals.course import Step

MAX_STEPS = 1_000

Title = Annotated[str, Field(min_length=1, max_length=500, pattern=NO_CONTROLS)]
"""A line of text for people: 1 to 500 characters without control characters."""

STRICT = ConfigDict(strict=True, extra="forbid")


class StepBody(BaseModel):
    """A step. It asks for its video, its quiz, or both; the scores are for quizzes that are scored elsewhere."""

    model_config = STRICT

    class_id: Ident
    title: Title
    video_id: Ident | None = None
    quiz_id: Ident | None = None
    max_score: Annotated[Quantity, Field(gt=0)] | None = None
    pass_score: Quantity | None = None
    score_label: Title | None = None

    @model_validator(mode="after")
    def asks_for_something(self) -> Self:
        if self.video_id is None and self.quiz_id is None:
            raise ValueError("a video_id or a quiz_id")
        return self

    @model_validator(mode="after")
    def pass_score_within_max_score(self) -> Self:
        if self.max_score is not None and self.pass_score is not None and self.pass_score > self.max_score:
            raise ValueError(f"a pass_score of at most max_score ({self.max_score:g}), not {self.pass_score:g}")
        return self


class CourseBody(BaseModel):
    """The body of `PUT /v1/courses/{course_id}`: the whole course, in the order of its steps."""

    model_config = STRICT | ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Python for beginners",
                    "steps": [
                        {"class_id": "intro", "title": "What a program is", "video_id": "intro-video"},
                        {
                            "class_id": "loops",
                            "title": "Loops",
                            "video_id": "loops-video",
                            "quiz_id": "loops-quiz",
                            "max_score": 10,
                            "pass_score": 6,
                        },
                    ],
                }
            ]
        }
    )

    title: Title
    steps: Annotated[list[StepBody], Field(max_length=MAX_STEPS)]

    @field_validator("steps")
    @classmethod
    def each_class_once(cls, steps: list[StepBody]) -> list[StepBody]:
        counts = Counter(step.class_id for step in steps)
        repeated = [class_id for class_id, number in counts.items() if number > 1]
        if repeated:
            raise ValueError(f"each class_id once, not {', '.join(map(repr, repeated))} again")
        return steps

    def to_steps(self) -> tuple[Step, ...]:
        """Return the steps as the engine publishes them."""
        return tuple(Step(**step.model_dump()) for step in self.steps)
