"""The tables of the monitored platform that are read, and what of each: the parts of the layout file.

Where the platform has something in another shape, a view of its database can bring it into this one.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MOST_BYTES = 63
"""How long a name may be on PostgreSQL, which would cut a longer one off."""


def short_enough(name: str) -> str:
    if len(name.encode()) > MOST_BYTES:
        raise ValueError(f"at most {MOST_BYTES} bytes")
    return name


SqlName = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$"), AfterValidator(short_enough)]
Said = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
"""Words of the platform's for one and the same thing; capitals do not matter."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Relation(Strict):
    """A table or a view. Each field of text is the name of a column; one that is None, the platform does not have."""

    table: SqlName

    def columns(self) -> Iterator[tuple[str, str]]:
        """What is read there: what we call it, and what the platform does."""
        for name, said in self:
            if name != "table" and isinstance(said, str):
                yield name, said


class Students(Relation):
    id: SqlName
    username: SqlName | None = None


class Mentors(Relation):
    id: SqlName
    username: SqlName
    name: SqlName | None = None
    email: SqlName | None = None
    zulip_user_id: SqlName | None = None


class StudentMentors(Relation):
    student_id: SqlName
    mentor_id: SqlName


class Exams(Relation):
    id: SqlName
    title: SqlName | None = None
    max_score: SqlName | None = None


class Changing(Relation):
    """Rows that change as somebody gets on; `changed_at` is when that was last."""

    id: SqlName
    student_id: SqlName
    changed_at: SqlName
    started_at: SqlName
    correct_answers: SqlName | None = None
    incorrect_answers: SqlName | None = None


class ExamAttempts(Changing):
    exam_id: SqlName
    completed_at: SqlName
    result: SqlName
    graded_at: SqlName | None = None
    score: SqlName | None = None
    percentage: SqlName | None = None
    time_taken: SqlName | None = None
    unanswered: SqlName | None = None
    percentile: SqlName | None = None
    speed: SqlName | None = None
    passed: Said = ("pass",)
    failed: Said = ("fail",)


class Contents(Relation):
    id: SqlName
    title: SqlName | None = None
    content_type: SqlName | None = None
    course_title: SqlName | None = None
    chapter_name: SqlName | None = None
    duration_sec: SqlName | None = None
    video: Said = ("video",)


class ContentProgress(Changing):
    content_id: SqlName
    completed_at: SqlName | None = None
    watched_at: SqlName | None = None
    state: SqlName | None = None
    watched: Said = ("watched",)
    completed: Said = ("completed",)
