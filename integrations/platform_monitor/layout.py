"""The layout file: what the monitored platform calls the tables and columns that are read there. TOML, a table each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, PrivateAttr, ValidationError, model_validator

from eventstore.errors import InvalidInputError, field_errors
from integrations.inbound.mapping_file import parse
from integrations.platform_monitor.relations import (
    ContentProgress,
    Contents,
    ExamAttempts,
    Exams,
    Mentors,
    Relation,
    SqlName,
    Strict,
    StudentMentors,
    Students,
)


def known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("a time zone such as UTC or Asia/Kolkata")
    return name


class Layout(Strict):
    """The whole file. Without mentors there is nobody to tell."""

    schema_: SqlName = Field("public", alias="schema")
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    students: Students
    mentors: Mentors | None = None
    student_mentors: StudentMentors | None = None
    exams: Exams
    exam_attempts: ExamAttempts
    contents: Contents
    content_progress: ContentProgress
    _file: Path = PrivateAttr(Path())

    @model_validator(mode="after")
    def with_both_or_neither(self) -> Self:
        if (self.mentors is None) != (self.student_mentors is None):
            raise ValueError("both of mentors and student_mentors, or neither")
        return self

    def relations(self) -> Iterator[tuple[str, Relation]]:
        """All that is read, by what we call it."""
        for name, said in self:
            if isinstance(said, Relation):
                yield name, said

    def where(self, *path: str) -> str:
        """Where in the file something stands, for messages."""
        return f"{self._file}, {'.'.join(path)}"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads the file. Raises InvalidInput with all that is wrong: where, what was expected, what was found."""
        try:
            layout = cls.model_validate(parse(path))
        except ValidationError as error:
            wrong = [fault._replace(where=f"{path}, {fault.where}") for fault in field_errors(error)]
            raise InvalidInputError(wrong) from error
        layout._file = path
        return layout
