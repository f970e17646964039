"""The operator's mapping file: which of our classes and courses the ids of other systems mean.

A table an id in TOML, such as `[redis.module.15]`. Where it says nothing, `places` looks further.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eventstore.errors import FieldError, InvalidInputError, field_errors
from eventstore.event_type import Ident, Quantity

COURSE = "course"
"""The one kind of id that means a whole course; ids of every other kind mean a class."""


class ClassMapping(NamedTuple):
    """What an id of another system means here: a class, and how an exam of that id is marked, if that is said."""

    class_id: str
    course_id: str | None = None
    quiz_id: str | None = None
    max_score: float | None = None
    pass_score: float | None = None


class SystemMapping:
    """What the file says of one system: places by kind and id there, and course_ids by id there."""

    def __init__(
        self,
        system: str,
        places: Mapping[str, Mapping[str, ClassMapping]] | None = None,
        courses: Mapping[str, str] | None = None,
    ) -> None:
        self.system = system
        self._places = dict(places or {})
        self._courses = dict(courses or {})
        self._theirs = {kind: inverted(class_ids(table)) for kind, table in self._places.items()}
        self._theirs[COURSE] = inverted(self._courses)

    def place(self, kind: str, external_id: str) -> ClassMapping | None:
        """What an id of a kind means, if the file says."""
        return self._places.get(kind, {}).get(external_id)

    def course(self, external_id: str) -> str | None:
        """The course_id of what is a course there, if the file says."""
        return self._courses.get(external_id)

    def names_any(self, kind: str) -> bool:
        """Whether the file says what any id of this kind means."""
        return bool(self._places.get(kind))

    def external_id(self, kind: str, our_id: str) -> str | None:
        """The way back: what a class of ours is called there (a course, for that kind); the smallest id of several."""
        return self._theirs.get(kind, {}).get(our_id)


def class_ids(table: Mapping[str, ClassMapping]) -> dict[str, str]:
    return {external_id: place.class_id for external_id, place in table.items()}


def inverted(ours: Mapping[str, str]) -> dict[str, str]:
    """Their id by ours."""
    return {our_id: external_id for external_id, our_id in sorted(ours.items(), reverse=True)}


class Mappings:
    """What the whole file says, system by system. Without a file nothing is said of any."""

    def __init__(self, systems: Mapping[str, SystemMapping] | None = None) -> None:
        self._systems = dict(systems or {})

    def of(self, system: str) -> SystemMapping:
        """What is said of a system."""
        return self._systems.get(system) or SystemMapping(system)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads the file. Raises InvalidInput with all that is wrong: where, what was expected, what was found."""
        try:
            tables = File.model_validate(parsed(path)).model_dump(by_alias=True)
        except ValidationError as error:
            wrong = [fault._replace(where=f"{path}, {fault.where}") for fault in field_errors(error)]
            raise InvalidInputError(wrong) from error
        return cls({system: system_mapping(system, kinds) for system, kinds in tables.items()})


def parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidInputError([FieldError(str(path), "a file that can be read", str(error.strerror))]) from error
    except ValueError as error:
        raise InvalidInputError([FieldError(str(path), "TOML", str(error))]) from error


def system_mapping(system: str, kinds: dict[str, dict[str, Any]]) -> SystemMapping:
    courses = kinds.pop(COURSE, {})
    return SystemMapping(
        system,
        {
            kind: {external_id: ClassMapping(**table) for external_id, table in ids.items()}
            for kind, ids in kinds.items()
        },
        {external_id: table["course_id"] for external_id, table in courses.items()},
    )


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ClassTable(Strict):
    class_id: Ident
    course_id: Ident | None = None
    quiz_id: Ident | None = None
    max_score: Annotated[Quantity, Field(gt=0)] | None = None
    pass_score: Quantity | None = None


class CourseTable(Strict):
    course_id: Ident


class RedisKinds(Strict):
    class_: dict[Ident, ClassTable] = Field(default={}, alias="class")
    module: dict[Ident, ClassTable] = {}


class RabbitMqKinds(Strict):
    course: dict[Ident, CourseTable] = {}
    lecture: dict[Ident, ClassTable] = {}


class KafkaKinds(Strict):
    exam: dict[Ident, ClassTable] = {}


class ActivityKinds(Strict):
    exam: dict[Ident, ClassTable] = {}
    content: dict[Ident, ClassTable] = {}


class File(Strict):
    redis: RedisKinds = RedisKinds()
    rabbitmq: RabbitMqKinds = RabbitMqKinds()
    kafka: KafkaKinds = KafkaKinds()
    activity: ActivityKinds = ActivityKinds()
